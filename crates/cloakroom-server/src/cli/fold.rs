//! Paragraphs of the catalogue for a terminal. The files break their lines where they like; and Japanese, which has no spaces,
//! has to be broken between characters, which clap does not do.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// How wide a folded line may be.
const WIDTH: usize = 80;
/// What does not begin a line.
const CLOSING: &str = "、。，．）」』］！？：；ーぁぃぅぇぉっゃゅょァィゥェォッャュョ・…";
/// What does not end one.
const OPENING: &str = "（「『［";

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Each paragraph on one line, with an empty line between two.
pub(super) fn unfolded(text: &str) -> String {
    let mut paragraph = String::with_capacity(text.len());
    for line in text.lines() {
        let ends = paragraph.chars().next_back();
        match (ends, line.chars().next()) {
            (_, None) => paragraph.push_str("\n\n"),
            (None | Some('\n'), _) => paragraph.push_str(line),
            (Some(before), Some(after)) => {
                if !(is_wide(before) && is_wide(after)) {
                    paragraph.push(' ');
                }
                paragraph.push_str(line);
            }
        }
    }
    paragraph
}

/// Text with wide characters in lines of at most 80 columns; other text as it is, because clap folds it at spaces.
pub(super) fn folded(text: &str) -> String {
    if !text.chars().any(is_wide) {
        return text.to_owned();
    }
    text.lines().map(folded_line).collect::<Vec<_>>().join("\n")
}

fn folded_line(line: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = line;
    while rest.width() > WIDTH {
        let at = break_in(rest);
        let (begin, end) = rest.split_at(at);
        lines.push(begin.trim_end());
        rest = end.trim_start();
    }
    lines.push(rest);
    lines.join("\n")
}

/// Where to break a line that is too wide: the last place that is allowed, or where the width ends if there is none.
fn break_in(line: &str) -> usize {
    let (mut width, mut allowed, mut fits) = (0, None, line.len());
    let mut before = None;
    for (at, c) in line.char_indices() {
        if let Some(before) = before
            && may_break(before, c)
        {
            allowed = Some(at);
        }
        width += c.width().unwrap_or(0);
        if width > WIDTH {
            fits = at;
            break;
        }
        before = Some(c);
    }
    allowed.unwrap_or(fits)
}

fn may_break(before: char, after: char) -> bool {
    let is_between = before == ' ' || is_wide(before) || is_wide(after);
    is_between && !CLOSING.contains(after) && !OPENING.contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_put_together_as_their_language_wants() {
        assert_eq!(unfolded("one\ntwo\n\nthree\nfour"), "one two\n\nthree four");
        assert_eq!(unfolded("一行で\n示す\ncloakroom.db\nに"), "一行で示す cloakroom.db に");
    }

    #[test]
    fn japanese_is_broken_between_characters_but_not_before_a_full_stop() {
        let text = format!("{}。{}", "あ".repeat(40), "い".repeat(39));
        let lines: Vec<_> = folded(&text).lines().map(str::to_owned).collect();
        assert_eq!(lines, ["あ".repeat(39), format!("あ。{}", "い".repeat(38)), "い".to_owned()]);
        assert_eq!(folded("short and English"), "short and English");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_too_wide(text in "[ぁ-んa-z、。（） ]{0,300}") {
            let folded = folded(&text);
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            proptest::prop_assert_eq!(bare(&folded), bare(&text));
            if text.chars().any(is_wide) {
                for line in folded.lines() {
                    proptest::prop_assert!(line.width() <= WIDTH, "{}", line);
                }
            }
        }
    }
}
