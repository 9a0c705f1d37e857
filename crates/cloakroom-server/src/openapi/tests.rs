//! The document against the checked-in one, the route table and its own examples. Answers are held against it in `tests/server`.

use std::collections::BTreeSet;

use super::*;

fn written() -> Value {
    document(&Catalogue::load().unwrap())
}

/// Every operation as `get /path`, with its description.
fn described(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map(|method| (path.clone(), method)).collect::<Vec<_>>()
    };
    let all = paths.iter().flat_map(of_path);
    all.map(|(path, method)| (format!("{method} {path}"), &paths[&path][&method])).collect()
}

#[test]
fn the_checked_in_document_is_todays() {
    let checked_in = include_str!("../../../../docs/openapi.json");
    let today = text_of(&Catalogue::load().unwrap());
    assert!(checked_in == today, "docs/openapi.json is not today's: `cargo run -- openapi > docs/openapi.json`");
}

#[test]
fn every_route_of_programs_is_described_and_nothing_else() {
    let table = include_str!("../routes.rs");
    for hidden in [".nest", ".route_service(", ".fallback_service("] {
        assert!(!table.contains(hidden), "{hidden}: its paths are not read here");
    }
    let mut routed = BTreeSet::new();
    for route in table.split(".route(").skip(1) {
        let route = route.trim_start();
        let read = route.strip_prefix('"').and_then(|route| route.split_once('"'));
        let (path, handlers) = read.unwrap_or_else(|| {
            let line = route.lines().next().unwrap_or_default();
            panic!("a path is its text, to be read here: {line}")
        });
        let handlers = to_its_end(handlers);
        let is_of_programs = api::is_path_of(path) || ["/healthz", "/readyz", PATH].contains(&path);
        for method in ["get", "post", "put", "patch", "delete"].into_iter().filter(|_| is_of_programs) {
            let is_made_here = method == "get" && handlers.contains("openapi::served(");
            if is_made_here || [" ", "."].iter().any(|before| handlers.contains(&format!("{before}{method}("))) {
                routed.insert(format!("{method} {path}"));
            }
        }
    }
    let document = written();
    let described: BTreeSet<_> = described(&document).into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = routed.difference(&described).collect();
    assert!(missing.is_empty(), "routed and not described, beside its handler: {missing:?}");
    let nowhere: Vec<_> = described.difference(&routed).collect();
    assert!(nowhere.is_empty(), "described and not routed: {nowhere:?}");
    assert!(routed.len() >= 21, "the route table is read wrong: {routed:?}");
}

/// What stands before the parenthesis that closes the one before it.
fn to_its_end(text: &str) -> &str {
    let mut open = 1;
    let closes = |c: char| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    };
    &text[..text.find(closes).unwrap()]
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_whom_it_is_for() {
    let document = written();
    let mut names = BTreeSet::new();
    for (operation, described) in described(&document) {
        assert!(names.insert(described["operationId"].as_str().unwrap()), "{operation}: another one has its name");
        assert!(described["security"].is_array() && described["responses"]["500"].is_object(), "{operation}");
    }
}

/// Every media type object of the document, with where it is.
fn media<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if name == "content" {
                    found
                        .extend(inner.as_object().unwrap().iter().map(|(kind, media)| (format!("{at} {kind}"), media)));
                }
                media(inner, &at, found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|inner| media(inner, at, found)),
        _ => {}
    }
}

#[test]
fn every_example_is_one_of_its_schema() {
    let document = written();
    let mut found = Vec::new();
    media(&document["paths"], "", &mut found);
    let mut examples = 0;
    for (at, media) in found {
        let mut schema = media["schema"].clone();
        schema["components"] = document["components"].clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap_or_else(|error| panic!("{at}: {error}"));
        for (name, example) in media["examples"].as_object().into_iter().flatten() {
            let value = match example["$ref"].as_str() {
                Some(reference) => &document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}"))["value"],
                None => &example["value"],
            };
            let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{at}: {name}: {errors:?}");
            examples += 1;
        }
    }
    assert!(examples > 100, "{examples} examples");
}
