"""docs/status.schema.json as the tests use it: closed, so that a member that it does not describe
is a failure here, though readers in the field pass over it. Nothing here asks a broker."""

import json
import os

import jsonschema

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs",
                    "status.schema.json")


def close(schema):
    """Each object takes only the members that it describes, those of its alternatives included."""
    if isinstance(schema, dict):
        closed = {name: close(value) for name, value in schema.items()}
        if "properties" in schema and isinstance(schema["properties"], dict):
            closed["unevaluatedProperties"] = False
        return closed
    return [close(item) for item in schema] if isinstance(schema, list) else schema


class Schema:
    def __init__(self):
        with open(PATH, encoding="utf-8") as file:
            self.whole = json.load(file)
        jsonschema.Draft202012Validator.check_schema(self.whole)
        definitions = {name: close(value) for name, value in self.whole["$defs"].items()}
        # These two are joined from others: what they join must not be closed alone.
        definitions["audited-leaf"] = self.joined(
            [{"$ref": "#/$defs/leaf"}, self.whole["$defs"]["audited-leaf"]["allOf"][1]])
        definitions["event"] = self.joined([self.whole["$defs"]["event"]])
        for name in self.whole["$defs"]:
            if name.startswith("leaf-") and name != "leaf-of-trail" or name.startswith("event-"):
                definitions[name] = self.whole["$defs"][name]
        self.document = {"$schema": self.whole["$schema"], "$defs": definitions}
        self.used = set()

    @staticmethod
    def joined(parts):
        return {"allOf": parts, "unevaluatedProperties": False}

    def check(self, name, value):
        """Raises jsonschema.ValidationError."""
        self.used.add(name)
        schema = {**self.document, "$ref": "#/$defs/" + name}
        validator = jsonschema.Draft202012Validator(schema)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is not None:
            raise AssertionError("%s: %s in %s" % (name, error.message, json.dumps(value)[:600]))

    def answer(self, cmd, value):
        """An answer of the command, or its refusal."""
        self.check("reply-" + cmd if value.get("ok") else "refusal", value)
        return value
