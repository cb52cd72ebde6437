//! The elements and attributes that have a meaning here, and how elements nest.

/// Packs a name into a number, which is the name itself up to 16 bytes. `so_far` is the packed
/// beginning of the name, or 0.
pub(super) const fn pack(mut so_far: u128, name: &[u8]) -> u128 {
    let mut at = 0;
    while at < name.len() {
        so_far = so_far.rotate_left(8) ^ name[at] as u128;
        at += 1;
    }
    so_far
}

/// How an element of HTML nests (WHATWG HTML, "tree construction").
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ends an open paragraph.
    Block,
    /// Ends an open paragraph or heading.
    Heading,
    /// Ends the item before it.
    Item,
    /// Ends at its end tag, whatever is open inside, and is opened again after a block that cut it
    /// off.
    Formatting,
    /// Has no content.
    Void,
    /// Has only text.
    Text,
    /// Has text that is not for readers.
    Silent,
    /// Keeps formatting from outside out.
    Closed,
    Table,
    /// Exists only inside a table.
    TablePart,
    /// Exists only inside a table, and keeps formatting from outside out.
    Cell,
    /// Ends the choice before it.
    Choice,
    /// Stops the end tags of inline elements.
    Special,
    /// SVG or MathML.
    Foreign,
    /// Everything else.
    Plain,
}

macro_rules! tags {
    ($($kind:ident: $($tag:ident $name:literal)*;)*) => {
        /// An element's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Tag {
            $($($tag,)*)*
            /// Inside SVG or MathML.
            InForeign,
            /// An element without a meaning here, as a hash of its name.
            Other(u32),
        }

        #[expect(non_upper_case_globals, reason = "named as the tags are")]
        mod keys {
            $($(pub(super) const $tag: u128 = super::pack(0, $name.as_bytes());)*)*
        }

        impl Tag {
            /// The tag of a packed name in lower case.
            pub(super) fn of(key: u128) -> Tag {
                match key {
                    $($(keys::$tag => Tag::$tag,)*)*
                    _ => Tag::Other((key % 0xFFFF_FFFB) as u32),
                }
            }

            /// How it nests.
            pub(super) fn kind(self) -> Kind {
                match self {
                    $($(Tag::$tag)|* => Kind::$kind,)*
                    Tag::InForeign | Tag::Other(_) => Kind::Plain,
                }
            }
        }
    };
}

tags! {
    Block: Address "address" Article "article" Aside "aside" Blockquote "blockquote"
        Center "center" Details "details" Dialog "dialog" Dir "dir" Div "div" Dl "dl"
        Fieldset "fieldset" Figcaption "figcaption" Figure "figure" Footer "footer" Form "form"
        Header "header" Hgroup "hgroup" Listing "listing" Main "main" Menu "menu" Nav "nav"
        Ol "ol" P "p" Pre "pre" Search "search" Section "section" Summary "summary" Ul "ul";
    Heading: H1 "h1" H2 "h2" H3 "h3" H4 "h4" H5 "h5" H6 "h6";
    Item: Dd "dd" Dt "dt" Li "li";
    Formatting: A "a" B "b" Big "big" Code "code" Em "em" Font "font" I "i" Nobr "nobr" S "s"
        Small "small" Strike "strike" Strong "strong" Tt "tt" U "u";
    Void: Area "area" Base "base" Basefont "basefont" Bgsound "bgsound" Br "br" Col "col"
        Embed "embed" Frame "frame" Hr "hr" Img "img" Input "input" Keygen "keygen" Link "link"
        Meta "meta" Param "param" Source "source" Track "track" Wbr "wbr";
    Text: Noembed "noembed" Plaintext "plaintext" Textarea "textarea"
        Title "title" Xmp "xmp";
    Silent: Iframe "iframe" Noframes "noframes" Noscript "noscript" Script "script" Style "style";
    Closed: Applet "applet" Marquee "marquee" Object "object" Template "template";
    Table: Table "table";
    TablePart: Colgroup "colgroup" Tbody "tbody" Tfoot "tfoot" Thead "thead" Tr "tr";
    Cell: Caption "caption" Td "td" Th "th";
    Choice: Optgroup "optgroup" Option "option";
    Special: Body "body" Button "button" Frameset "frameset" Head "head" Html "html"
        Select "select";
    Foreign: Math "math" Svg "svg";
    Plain: AnnotationXml "annotation-xml" Audio "audio" Canvas "canvas" Desc "desc"
        ForeignObject "foreignobject" Kbd "kbd" Label "label" Legend "legend" Mi "mi" Mn "mn" Mo "mo" Ms "ms"
        Mtext "mtext" Ruby "ruby" Samp "samp" Span "span" Sub "sub" Sup "sup" Var "var"
        Video "video";
}

impl Tag {
    /// Whether its content is for browsers that lack a feature.
    pub(super) fn is_fallback(self) -> bool {
        matches!(self, Tag::Noframes | Tag::Noscript)
    }

    /// Whether it stops the end tags of inline elements.
    pub(super) fn is_special(self) -> bool {
        !matches!(
            self.kind(),
            Kind::Formatting | Kind::Choice | Kind::Foreign | Kind::Plain
        )
    }

    /// Whether it ends the SVG or MathML around it.
    pub(super) fn breaks_out(self) -> bool {
        match self.kind() {
            Kind::Heading | Kind::Item | Kind::Table => true,
            Kind::Formatting => !matches!(self, Tag::A | Tag::Font),
            _ => matches!(
                self,
                Tag::Blockquote
                    | Tag::Body
                    | Tag::Br
                    | Tag::Center
                    | Tag::Div
                    | Tag::Dl
                    | Tag::Embed
                    | Tag::Head
                    | Tag::Hr
                    | Tag::Img
                    | Tag::Listing
                    | Tag::Menu
                    | Tag::Meta
                    | Tag::Ol
                    | Tag::P
                    | Tag::Pre
                    | Tag::Ruby
                    | Tag::Span
                    | Tag::Sub
                    | Tag::Sup
                    | Tag::Ul
                    | Tag::Var
            ),
        }
    }

    /// Whether an element of SVG or MathML with this name contains HTML.
    pub(super) fn holds_html(self) -> bool {
        matches!(
            self,
            Tag::AnnotationXml
                | Tag::Desc
                | Tag::ForeignObject
                | Tag::Mi
                | Tag::Mn
                | Tag::Mo
                | Tag::Ms
                | Tag::Mtext
                | Tag::Title
        )
    }

    /// Whether it may precede the body of a page without a `body` tag.
    pub(super) fn is_of_head(self) -> bool {
        matches!(
            self,
            Tag::Base
                | Tag::Basefont
                | Tag::Bgsound
                | Tag::Link
                | Tag::Meta
                | Tag::Noframes
                | Tag::Noscript
                | Tag::Script
                | Tag::Style
                | Tag::Template
                | Tag::Title
        )
    }
}

macro_rules! attributes {
    ($($attribute:ident $name:literal)*) => {
        /// An attribute that is kept. All others are dropped.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Attribute {
            $($attribute,)*
        }

        #[expect(non_upper_case_globals, reason = "named as the attributes are")]
        mod attribute_keys {
            $(pub(super) const $attribute: u128 = super::pack(0, $name.as_bytes());)*
        }

        impl Attribute {
            /// The attribute of a packed name in lower case.
            pub(super) fn of(key: u128) -> Option<Attribute> {
                match key {
                    $(attribute_keys::$attribute => Some(Attribute::$attribute),)*
                    _ => None,
                }
            }
        }
    };
}

attributes! {
    AriaHidden "aria-hidden" Class "class" Content "content" Hidden "hidden" Href "href"
    Hreflang "hreflang" HttpEquiv "http-equiv" Id "id" Lang "lang" Name "name"
    Property "property" Rel "rel" Role "role" Src "src" Type "type"
    XmlLang "xml:lang"
}

impl Attribute {
    /// Whether it is kept for an element of this tag. The `src` of an image is not, since it may be
    /// the image itself.
    pub(super) fn is_kept_for(self, tag: Tag) -> bool {
        match self {
            Attribute::Src => matches!(tag, Tag::Frame | Tag::Iframe),
            Attribute::Type | Attribute::Hreflang => tag == Tag::Link,
            _ => true,
        }
    }
}
