"""Checks that every example of openapi.yaml is what its schema says, and that every body in JSON has one.

    examples.py
"""

import jsonschema
import yaml

with open("openapi.yaml") as file:
    document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
faults, count = [], 0
for path, methods in document["paths"].items():
    for method, operation in methods.items():
        bodies = {"request": operation.get("requestBody", {})} | {
            status: answer for status, answer in operation["responses"].items() if status.startswith("2")
        }
        for which, body in bodies.items():
            for media, content in body.get("content", {}).items():
                name = f"{operation['operationId']} {which}"
                if "example" not in content:
                    if media == "application/json":
                        faults.append(f"{name} has no example")
                    continue
                schema = content["schema"] | {"components": document["components"]}
                validator = jsonschema.Draft202012Validator(schema)
                count += 1
                for error in validator.iter_errors(content["example"]):
                    faults.append(f"{name}: {error.json_path} {error.message[:160]}")
print("\n".join(faults) or f"{count} examples are as their schemas say")
raise SystemExit(1 if faults else 0)
