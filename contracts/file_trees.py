"""The file trees that every studio may start from: where files of each kind belong, as templates."""

from typing import Any

PARENTS = {
    "shot": ("shots", ("Sequence", "Shot")),
    "asset": ("assets", ("AssetType", "Asset")),
    "sequence": ("sequences", ("Sequence",)),
    "scene": ("scenes", ("Sequence", "Scene")),
    "episode": ("episodes", ("Episode",)),
}


def _folders(*ends: str) -> dict[str, str]:
    """Return folder templates by kind: project, a word for the kind, the parents, then `ends`."""
    return {
        kind: "/".join(["<Project>", word, *(f"<{tag}>" for tag in tags), *(f"<{end}>" for end in ends)])
        for kind, (word, tags) in PARENTS.items()
    }


def _names(*ends: str) -> dict[str, str]:
    """Return file name templates by kind: project, parents, then `ends`."""
    return {kind: "_".join(["<Project>", *(f"<{tag}>" for tag in tags), *ends]) for kind, (_, tags) in PARENTS.items()}


def _mode(root: str, folders: dict[str, str], names: dict[str, str]) -> dict[str, Any]:
    style = {"style": "lowercase"}
    return {
        "mountpoint": "/simple",
        "root": root,
        "folder_path": {**folders, **style},
        "file_name": {**names, **style},
    }


_INSTANCE = "<TaskType>/<OutputType>/<AssetType>/<Asset>/instance_<Instance.number>/<Representation>"
_INSTANCE_FOLDERS = {
    "instance_asset": f"<Project>/assets/<TemporalEntityType>/<TemporalEntity>/{_INSTANCE}",
    "instance": f"<Project>/<TemporalEntityType>/<Sequence>/<TemporalEntity>/{_INSTANCE}",
}
_INSTANCE_END = "<TaskType>_<OutputType>_<Name>_<Instance.name>_v<Version>"
_INSTANCE_NAMES = {
    "instance_asset": f"<Project>_<TemporalEntityType>_<TemporalEntity>_{_INSTANCE_END}",
    "instance": f"<Project>_<Sequence>_<TemporalEntity>_{_INSTANCE_END}",
}

FILE_TREES: dict[str, dict[str, Any]] = {
    "default": {
        "working": _mode("productions", _folders("TaskType"), _names("<TaskType>")),
        "output": _mode("productions/export", _folders("OutputType"), _names("<OutputType>", "<OutputFile>")),
        "preview": _mode("productions/previews", _folders("TaskType"), _names("<TaskType>")),
    },
    "simple": {
        "working": _mode("productions", _folders("TaskType", "Software"), _names("<TaskType>", "<Name>", "v<Version>")),
        "output": _mode(
            "productions/export",
            {**_folders("TaskType", "OutputType"), **_INSTANCE_FOLDERS},
            {**_names("<TaskType>", "<OutputType>", "<Name>", "v<Version>"), **_INSTANCE_NAMES},
        ),
        "preview": _mode("productions/previews", _folders("TaskType"), _names("<TaskType>", "<Name>", "v<Version>")),
    },
}
