"""Tags of what the sandbox adds to moto's SageMaker, which looks tags up by a table of its own kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.services.extend import Refusal, merge_tags, tag_list
from terrace.sandbox.services.kept import wrap

Find = Callable[[Any, str], dict[str, str] | None]
"""Takes moto's response object and an ARN; returns the tags of what has that ARN, None if it is no kind of ours."""


def keep_tags(find: Find) -> None:
    """Let AddTags, ListTags and DeleteTags know one more kind of thing. Before the server starts."""

    def operate(original: Any, self: Any) -> Any:
        tags = find(self, self._get_param("ResourceArn"))
        if tags is None:
            return original()
        match self._get_action():
            case "AddTags":
                merge_tags(tags, self._get_param("Tags"))
                return ActionResult({"Tags": tag_list(tags)})
            case "ListTags":
                return ActionResult({"Tags": tag_list(tags)})
            case "DeleteTags":
                for key in self._get_param("TagKeys"):
                    tags.pop(key, None)
                return EmptyResult()
            case action:
                raise Refusal("InvalidAction", f"{action} is no operation on tags.")

    for operation in ("add_tags", "list_tags", "delete_tags"):
        wrap(SageMakerResponse, operation, operate)
