"""
The JSON Schemas of the files that people write, made of the models that read these files.

    python tests/support/json_schemas.py

writes them to where the package ships them; a test holds that they are what the models say.
"""

import ast
import inspect
import json
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import msgspec

import scopeprobe
from scopeprobe.inputs.policy_files import BaselineEntry, PolicyEntry
from scopeprobe.inputs.schema import Entry, FileEntry
from scopeprobe.inputs.secrets import SECRET_SCHEMA
from scopeprobe.lab.answers import Table
from scopeprobe.lab.fleet import FleetTable

PACKAGE = Path(scopeprobe.__file__).parent
DRAFT = "http://json-schema.org/draft-07/schema#"
"""Later ones are not known to all editors."""


def json_schemas():
    """Every schema by the place of its file in the package."""
    return {
        "inputs/schemas/clients.json": of_pydantic(FileEntry, "clients file of scopeprobe"),
        "inputs/schemas/policy.json": of_pydantic(PolicyEntry, "policy file of scopeprobe"),
        "inputs/schemas/baseline.json": of_pydantic(BaselineEntry, "baseline of scopeprobe"),
        "lab/schemas/lab.json": of_msgspec(FleetTable, "fleet file of scopeprobe's lab"),
    }


def as_text(schema):
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def of_pydantic(model, title):
    schema = model.model_json_schema()
    shapes = {model.__name__: schema, **schema.pop("$defs"), "Secret": SECRET_SCHEMA}
    return finished(shapes, model, Entry, title)


def of_msgspec(model, title):
    return finished(msgspec.json.schema(model)["$defs"], model, Table, title)


def finished(shapes, model, base, title):
    """The shape of a model, with those that it refers to, in the words of their docstrings."""
    shapes = {name: shape if name == "Secret" else tidied(shape) for name, shape in shapes.items()}
    for one in subclasses(base):
        if one.__name__ in shapes:
            shapes[one.__name__] = described(shapes[one.__name__], one)
    root = shapes.pop(model.__name__)
    told = json.dumps([root, shapes])
    used = {name: one for name, one in sorted(shapes.items()) if f"#/$defs/{name}" in told}
    return {"$schema": DRAFT, **root, "title": title, "$defs": used}


def subclasses(model):
    for one in model.__subclasses__():
        yield one
        yield from subclasses(one)


def tidied(node):
    """Without null, which no file needs to say, and titles and defaults that say nothing."""
    match node:
        case list():
            return [tidied(one) for one in node]
        case {"anyOf": options} if options == SECRET_SCHEMA["anyOf"]:
            return {"$ref": "#/$defs/Secret"}
        case {"anyOf": [*options, {"type": "null"}], **rest}:
            return tidied({**rest, **(options[0] if len(options) == 1 else {"anyOf": options})})
        case {"properties": properties, **rest}:
            named = {name: tidied(one) for name, one in properties.items()}
            return {**tidied(rest), "properties": named}
        case dict():
            says = {key: value for key, value in node.items() if key != "title"}
            return {key: tidied(value) for key, value in says.items() if value or key != "default"}
    return node


def described(shape, model):
    words, names = docstrings(model), attributes_of(model)
    properties = {
        name: {"description": words[names.get(name, name)], **beside_words(value)}
        for name, value in shape["properties"].items()
    }
    about = {"description": " ".join(model.__doc__.split())} if model.__doc__ else {}
    return {**shape, **about, "properties": properties}


def beside_words(value):
    """Draft 7 sees nothing beside a reference."""
    return {"allOf": [value]} if "$ref" in value else value


def attributes_of(model):
    """Fields of msgspec that are called otherwise in files."""
    if not issubclass(model, msgspec.Struct):
        return {}
    return dict(zip(model.__struct_encode_fields__, model.__struct_fields__, strict=True))


def docstrings(model):
    """What is written beneath the attributes of a class and its bases."""
    found = {}
    for one in reversed(model.__mro__):
        if one.__module__.startswith("scopeprobe."):
            [tree] = ast.parse(dedent(inspect.getsource(one))).body
            for attribute, below in pairwise(tree.body):
                match attribute, below:
                    case ast.AnnAssign(), ast.Expr(ast.Constant(str(text))):
                        found[attribute.target.id] = " ".join(text.split())
    return found


if __name__ == "__main__":
    for place, schema in json_schemas().items():
        file = PACKAGE / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(as_text(schema), encoding="utf-8")
