//! The ten lines of a package's README.

const HEADING: &str = "## Ten lines";
const FENCE: &str = "```";

/// The first fenced block of code under the heading.
pub(crate) fn block(page: &str) -> Option<String> {
    let mut lines = page.lines().skip_while(|line| line.trim_end() != HEADING).skip(1);
    let is_of_section = |line: &&str| !line.starts_with("## ");
    let mut section = lines.by_ref().take_while(is_of_section);
    section.find(|line| line.starts_with(FENCE))?;
    let mut block = String::new();
    for line in lines {
        if line.trim_end() == FENCE {
            return Some(block);
        }
        block.push_str(line);
        block.push('\n');
    }
    None
}
