//! A folder of documentation in memory, served as a site.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use canter_tests::Answer;
use percent_encoding::percent_decode_str;
use walkdir::WalkDir;

/// The files of a folder, by the paths of their URLs.
#[derive(Debug, Clone)]
pub struct Folder {
    files: Arc<HashMap<String, File>>,
}

#[derive(Debug)]
struct File {
    kind: String,
    body: Vec<u8>,
}

impl File {
    fn is_page(&self) -> bool {
        matches!(self.kind.as_str(), "text/html" | "application/xhtml+xml")
    }
}

impl Folder {
    /// Reads all files below `root`, and follows symbolic links.
    pub fn read(root: &Path) -> Result<Self> {
        if !root.is_dir() {
            bail!("{} is not a folder", root.display());
        }
        let mut files = HashMap::new();
        for entry in WalkDir::new(root).follow_links(true) {
            // The site does not have files behind broken or circular links.
            let Ok(entry) = entry else { continue };
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path().strip_prefix(root)?;
            let names = path.iter().map(|name| name.to_string_lossy());
            let url = names.map(|name| format!("/{name}")).collect();
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            let body = fs::read(entry.path())
                .with_context(|| format!("{} cannot be read", entry.path().display()))?;
            let kind = kind.essence_str().to_owned();
            files.insert(url, File { kind, body });
        }
        let files = Arc::new(files);
        Ok(Folder { files })
    }

    /// The page for a requested path, by the path of its file.
    pub fn page(&self, path: &str) -> Option<String> {
        let name = name(path);
        let file = self.files.get(&name);
        file.filter(|file| file.is_page()).map(|_| name)
    }

    /// The answer to a request for this path.
    pub fn answer(&self, path: &str) -> Answer {
        let name = name(path);
        if let Some(file) = self.files.get(&name) {
            return Answer::status(200)
                .header("Content-Type", &file.kind)
                .body(&file.body);
        }
        if self.files.contains_key(&format!("{name}/index.html")) {
            return Answer::redirect(&format!("{}/", target(path)));
        }
        Answer::status(404)
    }

    /// Number of pages, including those that nothing links to.
    pub fn pages(&self) -> usize {
        self.files.values().filter(|file| file.is_page()).count()
    }

    /// Size of all pages, in bytes.
    pub fn bytes(&self) -> usize {
        let pages = self.files.values().filter(|file| file.is_page());
        pages.map(|page| page.body.len()).sum()
    }
}

fn target(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

/// The file behind a path.
fn name(path: &str) -> String {
    let mut name = percent_decode_str(target(path))
        .decode_utf8_lossy()
        .into_owned();
    if name.ends_with('/') {
        name += "index.html";
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("index.html", "start"),
            ("a b.htm", "space"),
            ("x.xhtml", "x"),
            ("sub/index.html", "sub"),
            ("style.css", "css"),
        ] {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Folder::read(dir.path()).unwrap()
    }

    #[test]
    fn a_page_is_an_html_file_whatever_its_request_looks_like() {
        let folder = folder();
        for (path, page) in [
            ("/", Some("/index.html")),
            ("/index.html", Some("/index.html")),
            ("/index.html?q=/x", Some("/index.html")),
            ("/a%20b.htm", Some("/a b.htm")),
            ("/x.xhtml", Some("/x.xhtml")),
            ("/sub/", Some("/sub/index.html")),
            ("/sub", None),
            ("/style.css", None),
            ("/none.html", None),
        ] {
            assert_eq!(folder.page(path).as_deref(), page, "{path}");
        }
        assert_eq!((folder.pages(), folder.bytes()), (4, 14));
    }

    #[test]
    fn a_folder_that_is_none_is_named() {
        let error = Folder::read(Path::new("/no/such/folder")).unwrap_err();
        assert_eq!(error.to_string(), "/no/such/folder is not a folder");
    }
}
