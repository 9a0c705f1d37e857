//! That a translated README is the same document: headings, commands and links, whatever the words between them.

use super::Finding;
use super::tree::{File, Tree};

/// A document and its translation.
const PAIRS: &[(&str, &str)] = &[("README.md", "README.ja.md")];

/// Each translation has the headings of its original (how many, of which level), its code but for comments, and its links.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pairs = PAIRS.iter().filter_map(|(original, translation)| Some((tree.file(original)?, *translation)));
    pairs
        .flat_map(|(original, translation)| match tree.file(translation) {
            Some(translated) => compared(original, translated),
            None => vec![Finding::new(translation, 0, format!("is missing beside {}", original.path))],
        })
        .collect()
}

fn compared(original: &File, translated: &File) -> Vec<Finding> {
    let (wanted, found) = (Outline::of(original, &translated.path), Outline::of(translated, &original.path));
    let mut findings = Vec::new();
    let mut differ = |what: &str, wanted: &[(usize, String)], found: &[(usize, String)]| {
        let longest = wanted.len().max(found.len());
        if let Some(at) = (0..longest).find(|at| wanted.get(*at).map(text) != found.get(*at).map(text)) {
            let show =
                |of: Option<&(usize, String)>| of.map_or_else(|| "nothing".to_owned(), |(_, text)| format!("`{text}`"));
            let line = found.get(at).map_or(0, |(line, _)| *line);
            let said =
                format!("{what}: {} has {}, here is {}", original.path, show(wanted.get(at)), show(found.get(at)));
            findings.push(Finding::new(&translated.path, line, said));
        }
    };
    differ("headings", &wanted.headings, &found.headings);
    differ("code", &wanted.code, &found.code);
    differ("links", &wanted.links, &found.links);
    findings
}

fn text(of: &(usize, String)) -> &str {
    &of.1
}

/// What two documents have in common, with the line each part stands in.
struct Outline {
    /// The levels.
    headings: Vec<(usize, String)>,
    /// Lines of code blocks without their comments, fences included.
    code: Vec<(usize, String)>,
    /// Where links lead, sorted: words change places.
    links: Vec<(usize, String)>,
}

impl Outline {
    fn of(file: &File, other: &str) -> Self {
        let mut outline = Self { headings: Vec::new(), code: Vec::new(), links: Vec::new() };
        let mut in_code = false;
        for (number, line) in file.lines() {
            let is_fence = line.starts_with("```");
            if is_fence || in_code {
                outline.code.push((number, without_comment(line).to_owned()));
                in_code ^= is_fence;
                continue;
            }
            let level = line.bytes().take_while(|byte| *byte == b'#').count();
            if level > 0 {
                outline.headings.push((number, "#".repeat(level)));
            }
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            outline.links.extend(targets.filter(|target| *target != other).map(|target| (number, target.to_owned())));
        }
        outline.links.sort_by(|a, b| a.1.cmp(&b.1));
        outline
    }
}

/// A line of code up to `# …` or `// …`.
fn without_comment(line: &str) -> &str {
    let begins = |mark: &str| line.starts_with(mark).then_some(0).or_else(|| line.find(&format!(" {mark}")));
    let end = ["# ", "// "].into_iter().filter_map(begins).min().unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str =
        "# A\n\n[ja](README.ja.md)\n\n## B\n\n[x](x.md) and [y](y.md)\n\n```sh\nrun it   # does it\n```\n";

    fn findings(japanese: &str) -> Vec<String> {
        let tree = Tree::with(&[("README.md", ENGLISH), ("README.ja.md", japanese)]);
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn words_comments_and_the_order_of_links_may_differ() {
        let same = "# 甲\n\n[en](README.md)\n\n## 乙\n\n[え](y.md)と[お](x.md)\n\n```sh\nrun it # 実行\n```\n";
        assert!(findings(same).is_empty(), "{:?}", findings(same));
    }

    #[test]
    fn headings_code_and_links_may_not() {
        let code = "```sh\nrun it\n```\n";
        for (japanese, wanted) in [
            (format!("# 甲\n\n### 乙\n\n[え](x.md)[お](y.md)\n\n{code}"), "headings"),
            (format!("# 甲\n\n[え](x.md)[お](y.md)\n\n{code}"), "headings"),
            ("# 甲\n\n## 乙\n\n[え](x.md)[お](y.md)\n\n```sh\nrun that\n```\n".to_owned(), "code"),
            ("# 甲\n\n## 乙\n\n[え](x.md)[お](y.md)\n".to_owned(), "code"),
            (format!("# 甲\n\n## 乙\n\n[え](x.md)\n\n{code}"), "links"),
            (format!("# 甲\n\n## 乙\n\n[え](x.md)[お](z.md)\n\n{code}"), "links"),
        ] {
            let found = findings(&japanese);
            assert!(found.len() == 1 && found[0].starts_with(wanted), "{wanted}: {found:?}");
        }
        let alone = check(&Tree::with(&[("README.md", ENGLISH)]));
        assert!(alone.len() == 1 && alone[0].path == "README.ja.md");
    }
}
