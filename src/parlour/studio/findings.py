"""What a check of a definition finds (studio.md §1.2)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One message about one place of the definition; `path` is a JSON pointer with a leading `#`."""

    message: str
    path: str

    def wire(self) -> dict[str, str]:
        """Give the finding as the contract writes it."""
        return {"message": self.message, "property_path": self.path}


@dataclass(slots=True)
class Report:
    """What a check found. `foreign` are the findings that only refuse a publication."""

    errors: list[Finding] = field(default_factory=list)
    foreign: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def error(self, message: str, path: str) -> None:
        """Record an error."""
        self.errors.append(Finding(message, path))
