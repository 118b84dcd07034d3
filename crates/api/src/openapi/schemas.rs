//! Schemas that no type of this crate has: the envelope, the definition of a consumer, a problem.

use serde_json::{Map, Value, json};

/// The schema of this name.
pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A page of such elements.
pub(crate) fn list_of(element: Value) -> Value {
    json!({
        "type": "object",
        "required": ["data", "next"],
        "properties": {
            "data": {"type": "array", "items": element},
            "next": {"type": ["string", "null"], "description": "`after` of the next page; `null` at the end."},
        },
    })
}

/// They are written by hand. `schemas.json` is held against the parsers by tests.
pub(crate) fn written() -> Map<String, Value> {
    let text = include_str!("schemas.json");
    let schemas = serde_json::from_str(text);
    schemas.expect("the file is JSON, as a test knows")
}

#[cfg(test)]
mod tests {
    use longwire_consumer::ConsumerDefinition;

    use super::*;

    /// Each example of the document is a definition that the parser takes, and the members that the schema names are those that
    /// the parser knows.
    #[test]
    fn the_schema_of_a_definition_has_what_the_parser_takes() {
        let schemas = written();
        let definition = &schemas["ConsumerDefinition"];
        let examples = definition["examples"].as_array().expect("examples");
        assert!(examples.len() >= 3);
        for example in examples {
            let parsed = ConsumerDefinition::parse(example);
            let parsed = parsed.unwrap_or_else(|faults| panic!("{example}: {faults}"));
            for name in parsed.to_json().as_object().expect("an object").keys() {
                let properties = &definition["properties"];
                assert!(properties.get(name).is_some(), "no member {name}");
            }
        }
        let unknown =
            ConsumerDefinition::parse(&json!({"name": "a", "road": {"kind": "pull"}, "?": 1}));
        let faults = unknown.expect_err("the member is unknown").to_string();
        let properties = definition["properties"].as_object().expect("an object");
        for name in properties.keys() {
            assert!(faults.contains(&format!("`{name}`")), "{name}: {faults}");
        }
    }

    /// The same of a new installation. Of a patch the route's tests know.
    #[test]
    fn the_schema_of_an_installation_has_what_the_parser_takes() {
        use longwire_access::Space;
        use longwire_installation::Origin;

        let rules = crate::InstallationRules::default();
        let schemas = written();
        let of_new = &schemas["NewInstallation"];
        for example in of_new["examples"].as_array().expect("examples") {
            let read = rules.read_new(example, Origin::Api, Space::default());
            read.map_err(|faults| faults.to_string())
                .expect("it is taken");
        }
        let unknown = rules.read_new(&json!({"?": 1}), Origin::Api, Space::default());
        let faults = unknown.err().expect("it is refused").to_string();
        let properties = of_new["properties"].as_object().expect("an object");
        for name in properties.keys() {
            assert!(faults.contains(&format!("`{name}`")), "{name}: {faults}");
        }
    }
}
