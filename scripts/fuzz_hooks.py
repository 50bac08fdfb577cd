"""What schemathesis cannot know: that a new request takes a new key, and what the bytes of an upload are."""

import uuid

import schemathesis
from schemathesis import GenerationMode


@schemathesis.serializer("application/partial-upload")
def partial_upload(context, value):
    """Any bytes may be a part of an upload."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """A valid request carries a key that nobody has used; one that is wrong on purpose stays as it is."""
    keys = [parameter.name for parameter in case.operation.headers]
    if "Idempotency-Key" in keys and case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
