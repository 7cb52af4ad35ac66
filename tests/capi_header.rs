//! `include/packed_rnn.h` is what cbindgen makes of the source today, and compilers of C and C++ like it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

const RENEW: &str = "PRNN_RENEW_HEADER=1 cargo test --features capi --test capi_header";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn header() -> PathBuf {
    root().join("include/packed_rnn.h")
}

/// What cbindgen makes, with the names of enumerations as C has them: in capitals.
fn made() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(root()).with_config(config).generate().unwrap();
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).unwrap();
    comments(&text.replace("prnn_code_", "PRNN_CODE_").replace("prnn_argument_", "PRNN_ARGUMENT_"))
}

/// Comments as people write them: a short one on one line, a long one with stars; none where it only repeats a name.
fn comments(text: &str) -> String {
    let (mut out, mut comment) = (String::new(), None::<Vec<&str>>);
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match (&mut comment, line.trim()) {
            (None, "/*") if !out.is_empty() => comment = Some(Vec::new()),
            (Some(lines), "*/") => {
                let indent = indent.strip_suffix(' ').unwrap_or(indent);
                match lines[..] {
                    [name] if name.starts_with('`') && name.ends_with('`') && !name.contains(' ') => {}
                    [line] => out += &format!("{indent}/* {line} */\n"),
                    _ => {
                        out += &format!("{indent}/*\n");
                        lines
                            .iter()
                            .for_each(|line| out = out.clone() + format!("{indent} * {line}").trim_end() + "\n");
                        out += &format!("{indent} */\n");
                    }
                }
                comment = None;
            }
            (Some(lines), text) => lines.push(text.trim_start_matches("* ")),
            (None, _) => out += &format!("{line}\n"),
        }
    }
    out.replace('`', "")
}

#[test]
fn the_header_is_what_the_source_says() {
    let made = made();
    if std::env::var_os("PRNN_RENEW_HEADER").is_some() {
        std::fs::write(header(), &made).unwrap();
    }
    let committed = std::fs::read_to_string(header()).unwrap_or_default();
    let (mut old, mut new) = (committed.lines(), made.lines());
    for line in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => panic!(
                "include/packed_rnn.h is stale from line {line} on\n- {}\n+ {}\nRenew it with: {RENEW}",
                a.unwrap_or("(its end)"),
                b.unwrap_or("(its end)")
            ),
        }
    }
}

/// Compiles a program that does nothing but include the header; gives what the compiler says, if it refuses.
fn compile(compiler: &str, standard: &str, text: &str) -> Option<String> {
    let suffix = if standard.starts_with("c++") { "cpp" } else { "c" };
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("header-{}-{standard}.{suffix}", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let output = Command::new(compiler)
        .arg(format!("-std={standard}"))
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I"])
        .arg(root().join("include"))
        .arg(&file)
        .output();
    let output = output.unwrap_or_else(|error| panic!("{compiler}: {error}; this test needs compilers of C and C++"));
    std::fs::remove_file(&file).unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn compilers_of_c_and_cpp_like_it() {
    let twice = "#include \"packed_rnn.h\"\n#include \"packed_rnn.h\"\n\
        extern prnn_status (*run)(const prnn_model *, const prnn_layout *, const float *, size_t, const prnn_states *,\n\
        float *, size_t, float *, size_t, prnn_error *);\n\
        prnn_status (*run)(const prnn_model *, const prnn_layout *, const float *, size_t, const prnn_states *,\n\
        float *, size_t, float *, size_t, prnn_error *) = prnn_run;\n\
        static float panels[PRNN_GRU_PANELS_LEN(12, 20, 2, 2)];\n\
        int main(void) { return panels[0] == 0.0f && run != 0 ? PRNN_OK : (int)PRNN_CODE_NULL; }\n";
    for (compiler, standard) in [("cc", "c99"), ("cc", "c11"), ("c++", "c++17")] {
        if let Some(said) = compile(compiler, standard, twice) {
            panic!("{compiler} -std={standard}:\n{said}");
        }
        // What is no C is refused, or this proves nothing.
        let broken = twice.replace("= prnn_run;", "= prnn_run_last;");
        assert!(compile(compiler, standard, &broken).is_some(), "{compiler} -std={standard} takes anything");
    }
}
