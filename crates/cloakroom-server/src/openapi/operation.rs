//! One operation: what it reads and answers, and what it can be refused with, most of which follows from who may call it.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use cloakroom::Code;
use serde_json::{Map, Value, json};

use crate::openapi::{subject, uuid};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Anybody.
    Anybody,
    /// Anybody; it is about the session, where one comes with it.
    AnybodyOrSession,
    /// Whoever is signed in.
    Session,
    /// Whoever is signed in and proved the password within `session.recent`.
    Recent,
    /// The same, and an administrator.
    Administrator,
    /// An application with a service token.
    Application,
}

impl Caller {
    fn security(self) -> Value {
        match self {
            Self::Anybody => json!([]),
            Self::AnybodyOrSession => json!([{}, { "session": [] }]),
            Self::Session | Self::Recent | Self::Administrator => json!([{ "session": [] }]),
            Self::Application => json!([{ "service": [] }]),
        }
    }

    const fn refusals(self) -> &'static [Code] {
        const ADMINISTRATOR: &[Code] = &[
            Code::LoginRequired,
            Code::SessionIdle,
            Code::SessionAbsolute,
            Code::SessionRevoked,
            Code::Unavailable,
            Code::StepUpRequired,
            Code::Forbidden,
        ];
        const RECENT: &[Code] = ADMINISTRATOR.split_at(6).0;
        const SESSION: &[Code] = ADMINISTRATOR.split_at(5).0;
        match self {
            Self::Anybody => &[],
            Self::AnybodyOrSession => &[Code::Unavailable],
            Self::Session => SESSION,
            Self::Recent => RECENT,
            Self::Administrator => ADMINISTRATOR,
            Self::Application => &[Code::LoginRequired, Code::Forbidden, Code::Unavailable],
        }
    }
}

/// The name of the example of a code, where an application is told so.
pub(super) fn of_service(code: Code) -> String {
    format!("{code}_of_service")
}

/// What a handler reads and answers.
pub(crate) struct Operation {
    method: Method,
    path: &'static str,
    caller: Caller,
    codes: Vec<Code>,
    answers: BTreeMap<u16, Value>,
    value: Value,
}

impl Operation {
    /// An operation for anybody, of this path as the router has it, under a name that is nobody else's.
    pub(crate) fn new(method: Method, path: &'static str, name: &str, summary: &str) -> Self {
        let tag = match path {
            _ if path.starts_with("/api/v1/admin/") => "admin",
            _ if path.starts_with("/api/v1/service/") => "service",
            _ if path.starts_with("/api/") => "session",
            _ => "server",
        };
        let value = json!({ "operationId": name, "summary": summary, "tags": [tag] });
        let mut operation =
            Self { method, path, caller: Caller::Anybody, codes: Vec::new(), answers: BTreeMap::new(), value };
        operation.refuses(&[Code::Internal, Code::Busy]);
        if !operation.method.is_safe() {
            operation.refuses(&[Code::CrossSite, Code::UnsupportedMediaType]);
        }
        for (name, schema) in [("id", uuid("Which session")), ("subject", subject())] {
            if path.contains(&format!("{{{name}}}")) {
                operation.parameter(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
                operation.refuses(&[Code::NotFound]);
            }
        }
        operation
    }

    pub(super) const fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn method(&self) -> String {
        self.method.as_str().to_ascii_lowercase()
    }

    /// More than fits into a line.
    pub(crate) fn says(mut self, description: &str) -> Self {
        self.value["description"] = json!(description);
        self
    }

    /// For these only.
    pub(crate) fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self.refuses(caller.refusals());
        self
    }

    /// Reads a query parameter; one whose name ends in `?` may be missing.
    pub(crate) fn query(mut self, name: &str, schema: &Value) -> Self {
        let is_optional = name.ends_with('?');
        let name = name.trim_end_matches('?');
        self.parameter(json!({ "name": name, "in": "query", "required": !is_optional, "schema": schema }));
        self.refuses(&[Code::InvalidInput]);
        self
    }

    /// Reads `everywhere`.
    pub(crate) fn waits(self) -> Self {
        let about = "Answer when no instance serves what was ended any more, and say how long that took";
        self.query("everywhere?", &json!({ "type": "boolean", "description": about }))
    }

    /// Reads a JSON object of one of these schemas, each with its example; what is not described is refused.
    pub(crate) fn reads(mut self, bodies: &[(&str, Value, Value)]) -> Self {
        let closed = |schema: &Value| {
            let mut schema = schema.clone();
            schema["additionalProperties"] = json!(false);
            schema
        };
        let schema = match bodies {
            [(_, schema, _)] => closed(schema),
            _ => json!({ "oneOf": bodies.iter().map(|(_, schema, _)| closed(schema)).collect::<Vec<_>>() }),
        };
        let examples = examples(bodies.iter().map(|(name, _, example)| (*name, example)));
        let content = json!({ "application/json": { "schema": schema, "examples": examples } });
        self.value["requestBody"] = json!({ "required": true, "content": content });
        self.refuses(&[Code::TooLarge, Code::InvalidInput]);
        self
    }

    /// Answers JSON of this schema.
    pub(crate) fn answers(self, status: u16, about: &str, schema: &Value, shown: &[(&str, Value)]) -> Self {
        let mut media = json!({ "schema": schema });
        if !shown.is_empty() {
            media["examples"] = examples(shown.iter().map(|(name, example)| (*name, example)));
        }
        self.answers_as(status, about, json!({ "application/json": media }))
    }

    /// Answers nothing but a status.
    pub(crate) fn answers_empty(self, status: u16, about: &str) -> Self {
        self.answers_as(status, about, Value::Null)
    }

    /// Answers plain text, such as this.
    pub(crate) fn answers_text(self, status: u16, about: &str, example: &str) -> Self {
        let media = json!({ "schema": { "type": "string" }, "example": example });
        self.answers_as(status, about, json!({ "text/plain": media }))
    }

    fn answers_as(mut self, status: u16, about: &str, content: Value) -> Self {
        let mut answer = json!({ "description": about, "headers": { "X-Request-Id": of("headers", "X-Request-Id") } });
        if !content.is_null() {
            answer["content"] = content;
        }
        self.answers.insert(status, answer);
        self
    }

    /// With a header of the shared ones, under its own name or another, on the answers of these statuses.
    pub(crate) fn with_header(mut self, statuses: &[u16], name: &str, shared: &str) -> Self {
        for status in statuses {
            if let Some(answer) = self.answers.get_mut(status) {
                answer["headers"][name] = of("headers", shared);
            }
        }
        self
    }

    /// Can be refused with these too.
    pub(crate) fn fails(mut self, codes: &[Code]) -> Self {
        self.refuses(codes);
        self
    }

    fn refuses(&mut self, codes: &[Code]) {
        for code in codes {
            if !self.codes.contains(code) {
                self.codes.push(*code);
            }
        }
    }

    fn parameter(&mut self, parameter: Value) {
        match &mut self.value["parameters"] {
            Value::Array(parameters) => parameters.push(parameter),
            none => *none = json!([parameter]),
        }
    }

    /// As the document has it.
    pub(super) fn into_value(mut self) -> Value {
        let mut refused: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for &code in Code::ALL.iter().filter(|code| self.codes.contains(code)) {
            refused.entry(code.status()).or_default().push(code);
        }
        for (status, codes) in refused {
            let refusal = self.refusal(status, &codes);
            match self.answers.get_mut(&status) {
                // Something else that is answered with the same status, in another content type.
                Some(answer) => {
                    answer["content"]["application/problem+json"] =
                        refusal["content"]["application/problem+json"].clone();
                    answer["headers"] = refusal["headers"].clone();
                }
                None => drop(self.answers.insert(status, refusal)),
            }
        }
        let answers: Map<_, _> =
            self.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        self.value["responses"] = Value::Object(answers);
        self.value["security"] = self.caller.security();
        self.value
    }

    fn refusal(&self, status: u16, codes: &[Code]) -> Value {
        let mut headers = json!({ "X-Request-Id": of("headers", "X-Request-Id") });
        if codes.iter().any(|code| code.retries()) {
            headers["Retry-After"] = of("headers", "Retry-After");
        }
        if status == StatusCode::UNAUTHORIZED.as_u16() {
            headers["WWW-Authenticate"] = of("headers", "WWW-Authenticate");
        }
        let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        let mut shown = Map::new();
        for &code in codes {
            let is_of_service = self.caller == Caller::Application && self.caller.refusals().contains(&code);
            let is_of_token = matches!(code, Code::LoginRequired | Code::Forbidden);
            let example = if is_of_service && is_of_token { of_service(code) } else { code.to_string() };
            shown.insert(code.to_string(), of("examples", &example));
        }
        let mut schema = of("schemas", "Problem");
        schema["properties"] = json!({ "code": { "enum": names }, "status": { "const": status } });
        json!({
            "description": names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            "headers": headers,
            "content": { "application/problem+json": { "schema": schema, "examples": shown } },
        })
    }
}

/// Something that is described once.
pub(crate) fn of(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn examples<'a>(shown: impl Iterator<Item = (&'a str, &'a Value)>) -> Value {
    Value::Object(shown.map(|(name, example)| (name.to_owned(), json!({ "value": example }))).collect())
}
