"""Which keys count: audio by extension, then the user's globs."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from operator import methodcaller

from pipeline.settings import AudioSettings


@dataclass(frozen=True, slots=True)
class Selection:
    """Audio by extension, then the user's globs, which are matched against the whole key."""

    extensions: frozenset[str]
    """In lower case, without the dot."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def is_audio(self, key: str) -> bool:
        """Whether the key ends like an audio file."""
        dot = key.rfind(".")
        return dot >= 0 and key[dot + 1 :].lower() in self.extensions

    def are_audio(self, keys: list[str]) -> list[bool]:
        """The same for many keys."""
        ends = tuple(f".{extension}" for extension in self.extensions if "." not in extension)
        if all(map(methodcaller("endswith", ends), keys)):
            return [True] * len(keys)  # as mostly, once the sidecars are taken out
        return list(map(self.is_audio, keys))

    def excludes(self, key: str) -> bool:
        """Whether the user's globs leave the key out."""
        if self.include and not any(fnmatchcase(key, glob) for glob in self.include):
            return True
        return bool(self.exclude) and any(fnmatchcase(key, glob) for glob in self.exclude)

    def are_excluded(self, keys: list[str]) -> list[bool]:
        """The same for many keys."""
        return list(map(self.excludes, keys)) if self.include or self.exclude else [False] * len(keys)


def selection(settings: AudioSettings, include: tuple[str, ...], exclude: tuple[str, ...]) -> Selection:
    """The selection that settings and the command line ask for."""
    return Selection(frozenset(extension.lower() for extension in settings.extensions), include, exclude)
