"""The published API documents: fetched once as data, read offline afterwards.

They come out of one npm package whose version and integrity stand in ``package-lock.json``; the package is packed,
checked and unpacked by us, and nothing of it is installed or run.
"""

import base64
import functools
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
CACHE: Final = HERE.parent.parent / ".cache" / "contract"
PACKAGE: Final = "@twilio/cli-core"
FOLDER: Final = "package/src/services/twilio-api"
METHODS: Final = frozenset({"get", "post", "put", "delete", "patch"})
PAGING: Final = frozenset({"Page", "PageSize", "PageToken"})
DOCUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "conversations": ("conversations_v1",),
    "taskrouter": ("taskrouter_v1",),
    "studio": ("studio_v1", "studio_v2"),
    "flex-api": ("flex_v1", "flex_v2"),
    "messaging": ("messaging_v1",),
    "content": ("content_v1",),
    "api": ("api_v2010",),
}

FILES: Final = tuple(f"twilio_{name}.json" for names in DOCUMENTS.values() for name in names)

_VARIABLE: Final = re.compile(r"\{[^}]*\}")


class DocumentsMissing(Exception):
    """The package is neither in the cache nor to be had, or it is not the locked one."""


@dataclass(frozen=True)
class Parameter:
    """A published request parameter.

    :ivar place: ``query``, ``header`` or ``form``.
    :ivar enum: its published values, empty where it has none.
    """

    name: str
    place: str
    required: bool
    enum: tuple[str, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """A published operation.

    :ivar answers: status of a success to the schema of its body, None where the body is empty.
    """

    document: str
    product: str
    method: str
    path: str
    parameters: Mapping[str, Parameter]
    answers: Mapping[int, Mapping[str, Any] | None]

    @property
    def name(self) -> str:
        """Return the operation in one line."""
        return f"{self.method} {self.product} {self.path}"


@dataclass(frozen=True)
class Document:
    """One published document.

    :ivar nulls: component schema to the keys that are null in an example of the document.
    :ivar empties: the same for empty texts.
    """

    name: str
    product: str
    operations: tuple[Published, ...]
    schemas: Mapping[str, Mapping[str, Any]]
    nulls: Mapping[str, frozenset[str]] = field(default_factory=dict)
    empties: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the schema that a reference names; others as they are."""
        name = schema_name(schema)
        return schema if name is None else self.schemas[name]


def schema_name(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the component schema that ``schema`` refers to."""
    reference = schema.get("$ref")
    return None if reference is None else str(reference).rsplit("/", 1)[-1]


def shape(method: str, path: str) -> tuple[str, str]:
    """Return what a path is without the names of its variables and the suffix of the 2010 API."""
    return method.upper(), _VARIABLE.sub("{}", path).rstrip("/").removesuffix(".json")


@functools.cache
def documents() -> Mapping[str, Document]:
    """Return the documents of the products that Parlour serves, by name such as ``taskrouter_v1``.

    :raises DocumentsMissing: they cannot be had.
    """
    folder = _unpacked()
    return {
        name: _document(name, product, json.loads((folder / f"twilio_{name}.json").read_text()))
        for product, names in DOCUMENTS.items()
        for name in names
    }


@functools.cache
def operations() -> Mapping[tuple[str, str, str], Published]:
    """Return the published operations by product, method and shape of the path."""
    return {
        (document.product, *shape(operation.method, operation.path)): operation
        for document in documents().values()
        for operation in document.operations
    }


def find(product: str, method: str, path: str) -> Published | None:
    """Return the published operation that is served at a path, or None."""
    return operations().get((product, *shape(method, path)))


def _document(name: str, product: str, content: Mapping[str, Any]) -> Document:
    schemas = content["components"]["schemas"]
    shared = content["components"].get("parameters", {})
    shown: dict[str, list[Mapping[str, Any]]] = {}
    found = []
    for path, item in content["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            answers = {int(status): _answer(answer) for status, answer in operation["responses"].items()}
            parameters = {parameter.name: parameter for parameter in _parameters(operation, schemas, shared)}
            found.append(Published(name, product, method.upper(), path, parameters, answers))
            for answer in operation["responses"].values():
                _collect_examples(answer, shown)
    return Document(name, product, tuple(found), schemas, _showing(shown, None), _showing(shown, ""))


def _showing(shown: Mapping[str, list[Mapping[str, Any]]], wanted: object) -> Mapping[str, frozenset[str]]:
    return {
        schema: frozenset(key for row in rows for key, value in row.items() if value == wanted)
        for schema, rows in shown.items()
    }


def _answer(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = answer.get("content", {}).get("application/json")
    return None if content is None else content["schema"]


def _parameters(
    operation: Mapping[str, Any], schemas: Mapping[str, Any], shared: Mapping[str, Any]
) -> Iterator[Parameter]:
    for listed in operation.get("parameters", ()):
        reference = schema_name(listed)
        parameter = listed if reference is None else shared[reference]
        if parameter["in"] != "path":
            yield _parameter(parameter["name"], parameter["in"], parameter.get("required", False), parameter, schemas)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        reference = schema_name(schema)
        if reference is not None:
            schema = schemas[reference]
        required = schema.get("required", ())
        for name, property_schema in schema.get("properties", {}).items():
            yield _parameter(name, "form", name in required, {"schema": property_schema}, schemas)


def _parameter(
    name: str, place: str, required: bool, holder: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Parameter:
    schema = holder.get("schema", {})
    inner = schema.get("items", schema)
    reference = schema_name(inner)
    if reference is not None:
        inner = schemas[reference]
    return Parameter(name, place, required, tuple(str(value) for value in inner.get("enum", ())), schema)


def _collect_examples(answer: Mapping[str, Any], shown: dict[str, list[Mapping[str, Any]]]) -> None:
    content = answer.get("content", {}).get("application/json")
    if content is None:
        return
    name, key = schema_name(content["schema"]), None
    for list_key, schema in content["schema"].get("properties", {}).items():
        if schema.get("type") == "array" and "$ref" in schema.get("items", {}):
            name, key = schema_name(schema["items"]), list_key
    examples = [example.get("value") for example in content.get("examples", {}).values()]
    for example in examples:
        rows = example.get(key, []) if key is not None and isinstance(example, dict) else [example]
        for row in rows:
            if isinstance(row, dict) and name is not None:
                shown.setdefault(name, []).append(row)


def _unpacked() -> Path:
    lock = json.loads((HERE / "package-lock.json").read_text())["packages"][f"node_modules/{PACKAGE}"]
    version, integrity = str(lock["version"]), str(lock["integrity"])
    folder = CACHE / f"{PACKAGE.rsplit('/', 1)[-1]}-{version}"
    if any(not (folder / file).is_file() for file in FILES):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            archive = _packed(Path(work), version)
            _check(archive, integrity)
            made = _extract(archive, Path(work) / "documents")
            shutil.rmtree(folder, ignore_errors=True)  # one that an older checkout made lacks a document
            try:
                made.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return folder


def _packed(folder: Path, version: str) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise DocumentsMissing(f"npm is needed once, to fetch {PACKAGE} {version} (data for the contract tests)")
    ran = subprocess.run(
        [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), f"{PACKAGE}@{version}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={"npm_config_cache": str(CACHE.parent / "npm"), **os.environ},
    )
    archives = list(folder.glob("*.tgz"))
    if ran.returncode != 0 or len(archives) != 1:
        raise DocumentsMissing(f"npm pack {PACKAGE}@{version} failed:\n{ran.stderr[-2000:]}")
    return archives[0]


def _check(archive: Path, integrity: str) -> None:
    algorithm, _, expected = integrity.partition("-")
    digest = base64.b64encode(hashlib.new(algorithm, archive.read_bytes()).digest()).decode()
    if not hmac.compare_digest(digest, expected):
        raise DocumentsMissing(f"{archive.name} has integrity {algorithm}-{digest}, the lock file says {integrity}")


def _extract(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    wanted = set(FILES)
    with tarfile.open(archive) as tar:
        for member in tar:
            parent, _, name = member.name.rpartition("/")
            content = tar.extractfile(member) if parent == FOLDER and name in wanted else None
            if content is not None:
                (folder / name).write_bytes(content.read())
                wanted.discard(name)
    if wanted:
        raise DocumentsMissing(f"{archive.name} has no {', '.join(sorted(wanted))}")
    return folder
