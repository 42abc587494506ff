"""Which content type the first bytes of a file show, and which types a browser may show inline."""

SNIFF_BYTES = 512

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"#!AMR-WB\n", "audio/amr-wb"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)
_BRANDS: dict[bytes, str] = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_RIFF: dict[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

# Types whose bytes cannot be told from others of the same container or family.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "application/zip": (
        "application/vnd.openxmlformats",
        "application/vnd.oasis",
        "application/epub",
        "application/java",
        "application/x-zip",
        "application/vnd.apple",
    ),
    "video/mp4": (
        "audio/mp4",
        "audio/m4a",
        "audio/x-m4a",
        "video/quicktime",
        "video/3gpp",
        "audio/3gpp",
        "video/x-m4v",
    ),
    "audio/mp4": ("video/mp4", "audio/m4a", "audio/x-m4a", "audio/aac"),
    "video/quicktime": ("video/mp4",),
    "audio/mpeg": ("audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/aac"),
    "audio/ogg": ("video/ogg", "application/ogg", "audio/opus"),
    "video/webm": ("audio/webm", "video/x-matroska"),
    "audio/wav": ("audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "image/jpeg": ("image/jpg", "image/pjpeg"),
    "image/heic": ("image/heif", "image/heic-sequence"),
    "image/heif": ("image/heic", "image/avif"),
    "image/bmp": ("image/x-ms-bmp", "image/x-bmp"),
    "audio/amr": ("audio/3gpp",),
}
# Claims that promise a known signature; a file that lacks it is not of that type.
_PROMISED = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/gif",
        "image/webp",
        "application/pdf",
        "image/heic",
        "image/tiff",
        "audio/amr",
        "image/bmp",
        "video/webm",
    }
)
_INLINE = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/heic",
        "image/heif",
        "image/avif",
        "audio/mpeg",
        "audio/mp3",
        "audio/amr",
        "audio/ogg",
        "audio/wav",
        "audio/mp4",
        "audio/aac",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "video/3gpp",
        "video/quicktime",
        "text/plain",
    }
)


def sniff(head: bytes) -> str | None:
    """Return the content type that the first bytes of a file show, None if they show none."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "video/3gpp" if brand.startswith(b"3g") else _BRANDS.get(brand, "video/mp4")
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    for offset, signature, content_type in _SIGNATURES:
        if head[offset:].startswith(signature):
            return content_type
    return None


def essence(content_type: str) -> str:
    """Return a content type without parameters, in lower case."""
    return content_type.split(";", 1)[0].strip().lower()


def agrees(claimed: str, head: bytes) -> bool:
    """Tell whether a file that begins with `head` can be of the claimed content type.

    Types without a known signature (text, unknown formats) are accepted; a claim is refused when the bytes show
    another known type, or lack the signature that the claimed type always has.
    """
    claim = essence(claimed)
    shown = sniff(head)
    if claim in ("application/octet-stream", "") or not head:
        return True
    if shown is None:
        return claim not in _PROMISED
    return claim == shown or claim.startswith(_FAMILIES.get(shown, ("\0",))) or _is_weak(shown, claim)


def _is_weak(shown: str, claim: str) -> bool:
    """Two-byte signatures also begin ordinary text; they refute only claims that promise another signature."""
    return shown in ("image/bmp", "audio/mpeg", "application/gzip") and claim not in _PROMISED


def may_show_inline(content_type: str) -> bool:
    """Tell whether a browser may show the type inside a page; all others are answered as attachments."""
    return essence(content_type) in _INLINE
