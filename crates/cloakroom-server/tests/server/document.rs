//! Every answer to a program that any test of any suite gets is held against `docs/openapi.json`: its status, its content type, its headers
//! and its body are described, and nothing is accepted that is not. Nothing here knows a route.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::Answer;

/// The document, in which objects of answers have no more fields than are described: clients have to bear more, we notice.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    close(&mut document);
    document
});

/// What was compiled, by where its schema is.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Headers that mean something to a program: an answer may have them only where they are described.
const TELLING: [&str; 4] = ["set-cookie", "retry-after", "www-authenticate", "server-timing"];

fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            // Beside a reference they only say more of what is described there.
            if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(close),
        _ => {}
    }
}

/// Holds an answer against what is described of the request that these bytes are.
pub(crate) fn hold_against(request: &[u8], answer: &Answer) {
    let Some(asked) = Asked::read(request).filter(|asked| asked.is_of_programs() || is_json(answer)) else { return };
    if let Err(why) = asked.check(answer) {
        panic!("{} {} is not as docs/openapi.json says: {why}: {answer:?}", asked.method, asked.target);
    }
}

/// A request, as far as it matters here.
struct Asked<'a> {
    method: &'a str,
    target: &'a str,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// `None` for what is no request.
    fn read(request: &'a [u8]) -> Option<Self> {
        let end = request.windows(4).position(|window| window == b"\r\n\r\n")?;
        let line = std::str::from_utf8(&request[..end]).ok()?.lines().next()?;
        let [method, target, "HTTP/1.1"] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some(Self { method, target, body: &request[end + 4..] })
    }

    fn is_of_programs(&self) -> bool {
        self.path().starts_with("/api/") || ["/healthz", "/readyz", "/openapi.json"].contains(&self.path())
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn check(&self, answer: &Answer) -> Result<(), String> {
        // Said before there is a request, by whoever reads its bytes.
        if [400, 414, 431].contains(&answer.status) && answer.body.is_empty() {
            return Ok(());
        }
        let method = if self.method == "HEAD" { "get".to_owned() } else { self.method.to_ascii_lowercase() };
        let paths = DOCUMENT["paths"].as_object().unwrap();
        let Some((path, operation)) = paths
            .iter()
            .filter(|(path, _)| matches(path, self.path()))
            .find_map(|(path, item)| Some((path, item.get(&method)?)))
        else {
            let is_refused = answer.status >= 400 && self.is_of_programs();
            return if is_refused { Ok(()) } else { Err("there is no such operation".to_owned()) };
        };
        let place = format!("/paths/{}/{method}", path.replace('/', "~1"));
        let described = &operation["responses"][answer.status.to_string()];
        if !described.is_object() {
            return Err(format!("it is never {}", answer.status));
        }
        headers(described, answer)?;
        self.content(&format!("{place}/responses/{}", answer.status), described, answer)?;
        if answer.status < 300 {
            query(operation, self.target).map_err(|why| format!("it was accepted: {why}"))?;
            if operation["requestBody"].is_object() {
                let schema = format!("{place}/requestBody/content/application~1json/schema");
                valid(&schema, self.body).map_err(|why| format!("its body was accepted: {why}"))?;
            }
        }
        Ok(())
    }

    fn content(&self, place: &str, described: &Value, answer: &Answer) -> Result<(), String> {
        let kind = answer.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default());
        match (kind, described["content"].as_object()) {
            (None, None) if answer.body.is_empty() => Ok(()),
            (Some(kind), Some(content)) if content.contains_key(kind) => match kind {
                _ if self.method == "HEAD" || !kind.ends_with("json") => Ok(()),
                _ => valid(&format!("{place}/content/{}/schema", kind.replace('/', "~1")), answer.body.as_bytes()),
            },
            _ => Err(format!("its body is of another type: {kind:?}")),
        }
    }
}

fn is_json(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.ends_with("json")))
}

/// Whether a path is one of these, in which a name in braces is any segment.
fn matches(described: &str, path: &str) -> bool {
    let (described, path): (Vec<_>, Vec<_>) = (described.split('/').collect(), path.split('/').collect());
    let is_same = |(described, segment): (&&str, &&str)| described.starts_with('{') || described == segment;
    described.len() == path.len() && described.iter().zip(&path).all(is_same)
}

/// Those that must be there are, those that are there may be, and each is as described.
fn headers(described: &Value, answer: &Answer) -> Result<(), String> {
    let described = described["headers"].as_object().unwrap();
    for (name, header) in described {
        let header = match header["$ref"].as_str() {
            Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap(),
            None => header,
        };
        match answer.header(&name.to_ascii_lowercase()) {
            None if header["required"] == json!(true) => return Err(format!("{name} is missing")),
            Some(value) if !is_of(&header["schema"], value) => return Err(format!("{name} is another one")),
            _ => {}
        }
    }
    for name in TELLING {
        if answer.header(name).is_some() && !described.keys().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(format!("it never has {name}"));
        }
    }
    Ok(())
}

/// Whether the text of a header or a parameter is a value of this schema.
fn is_of(schema: &Value, text: &str) -> bool {
    let value = match schema["type"].as_str() {
        Some("integer") => text.parse::<u64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => Some(json!(text)),
    };
    value.is_some_and(|value| jsonschema::draft202012::is_valid(schema, &value))
}

/// Every parameter that is needed is there, and every one that is there is described, where any is.
fn query(operation: &Value, target: &str) -> Result<(), String> {
    let parameters: Vec<_> = operation["parameters"].as_array().into_iter().flatten().collect();
    let described: HashMap<_, _> = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| (parameter["name"].as_str().unwrap(), *parameter))
        .collect();
    // Who reads none looks at none.
    if described.is_empty() {
        return Ok(());
    }
    let mut sent = HashSet::new();
    for pair in target.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
        let Some(parameter) = described.get(name) else { return Err(format!("there is no parameter {name}")) };
        if !is_of(&parameter["schema"], &value) || !sent.insert(name) {
            return Err(format!("{name}={value}"));
        }
    }
    let missing = described.iter().find(|(name, parameter)| parameter["required"] == true && !sent.contains(**name));
    missing.map_or(Ok(()), |(name, _)| Err(format!("without {name}")))
}

/// Whether these bytes are of the schema in this place.
fn valid(place: &str, bytes: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned();
    let validator = known.unwrap_or_else(|| compile(place));
    let errors: Vec<_> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn compile(place: &str) -> Arc<Validator> {
    let mut schema = DOCUMENT.pointer(place).unwrap_or_else(|| panic!("nothing is at {place}")).clone();
    schema["components"] = DOCUMENT["components"].clone();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema);
    let validator = Arc::new(validator.unwrap_or_else(|error| panic!("{place}: {error}")));
    VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner).insert(place.to_owned(), Arc::clone(&validator));
    validator
}
