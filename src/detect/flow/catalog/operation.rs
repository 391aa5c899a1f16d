//! What the engine knows how to do with a call, whatever the language calls it.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

/// An operation. Receivers are the object of a method call; where a function takes the object as its first argument
/// (`map(f, list)`, `Object.keys(o)`), the catalog names the operation with `first:` before it (and `second:` for
/// `map(f, list)`-like ones whose object is the second argument).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Appends the arguments to a list: `append`, `push`, `add`.
    Push,
    /// Appends, and gives the receiver: builders such as `Command::arg`.
    PushSelf,
    /// Appends the elements of each argument: `extend`.
    Extend,
    /// The same, and gives the receiver: `Command::args`.
    ExtendSelf,
    /// A new list of the arguments: `Command::new`, `Array.of`.
    NewList,
    /// A new list of the elements of the first argument: `list(x)`, `Array.from`, `sorted`, `iter`, `collect`.
    ListOf,
    /// Removes and gives the last element, or the one at a constant index: `pop`.
    Pop,
    /// Removes and gives the first: `shift`, `popleft`.
    Shift,
    /// Puts before the first: `unshift`, `appendleft`.
    Unshift,
    /// `insert(index, value)`.
    Insert,
    /// `list.remove(value)`: removes the first equal element.
    RemoveValue,
    /// Removes the key: `delete`, `del`.
    RemoveKey,
    /// Empties: `clear`.
    Clear,
    /// The other way round: `reverse`, `reversed`.
    Reverse,
    /// In an order that is not known: `sort`.
    Sort,
    /// A new list of the elements of the first argument, in an order that is not known: `sorted`.
    Sorted,
    /// A thing of a library of which nothing has been set yet: `Cookie::new(name, value)`.
    NewThing,
    /// Sets something of such a thing by its own name, and gives the thing: `.secure(true)`, `set_secure(true)`.
    Setting,
    /// What the function that is given resolves it with: `new Promise(resolve => resolve(x))`.
    Promise,
    /// Value under a key, with a default: `get`, `getItem`.
    Get,
    /// Value under two keys: `configparser.get(section, option)`.
    Get2,
    /// Sets a key: `set`, `insert` of maps, `setattr`.
    Set,
    /// Sets under two keys: `configparser.set(section, option, value)`.
    Set2,
    /// `setdefault`, `entry().or_insert`.
    SetDefault,
    /// Takes over all entries of the arguments, and gives the receiver: `update`, `Object.assign`.
    Update,
    /// Keys as a list.
    Keys,
    /// Values as a list.
    Values,
    /// Pairs of key and value as a list: `items`, `Object.entries`, `enumerate` is [`Operation::Enumerate`].
    Items,
    /// Pairs of index and element.
    Enumerate,
    /// Pairs of elements: `zip`.
    Zip,
    /// A new map of the arguments by name, or a copy: `dict(...)`, `new Map(...)`.
    NewMap,
    /// A copy: `copy`, `slice()`, `clone`.
    Copy,
    /// Elements joined by a separator; the receiver is the separator (Python).
    JoinBySelf,
    /// Elements of the receiver joined by the argument (JavaScript, Rust).
    Join,
    /// Text split into a list.
    Split,
    /// Concatenates receiver and arguments: `concat`, `push_str` is [`Operation::AppendText`].
    Concat,
    /// Appends text to the receiver variable: `push_str`, `write`.
    AppendText,
    /// Appends text to the stream that the argument `file` names: `print`.
    Print,
    /// `"...".format(...)`.
    Format,
    /// `"...".format_map(values)`.
    FormatMap,
    /// `%`-like formatting by a call: `util.format`, `sprintf`: first argument is the format.
    FormatCall,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Trims.
    Trim,
    /// Replaces one text by another, all of them (Python, Rust) or as the pattern says.
    Replace,
    /// Replaces by regular expression: `re.sub(pattern, new, text)`.
    RegexReplace,
    /// The same with the object first: JavaScript's `text.replace(/x/g, y)`.
    ReplacePattern,
    /// Length.
    Length,
    /// Text starts with the argument.
    StartsWith,
    /// Text ends with it.
    EndsWith,
    /// Text or list holds it: `includes`, `contains`, `has`, `in`.
    Contains,
    /// Index of it.
    Find,
    /// Part of a text or list: `slice`, `substring`, `substr`.
    Part,
    /// Element at an index: `charAt`, `at`, `nth`.
    At,
    /// Repeats text.
    Repeat,
    /// To text: `str`, `String`, `to_string`.
    ToText,
    /// To a number: `int`, `Number`, `parse::<u32>`. Ends taint.
    ToNumber,
    /// To a truth value. Ends taint.
    ToBool,
    /// To the opposite of a truth value: `is_none`, `is_err`, `is_empty`.
    ToNot,
    /// What the function argument returns: `LazyLock::new`, `spawn_blocking`.
    Made,
    /// The receiver, or else the argument or what it returns: `unwrap_or`, `or_else`.
    OrElse,
    /// Gives its first argument or receiver unchanged: `unwrap`, `Some`, `Ok`, `await`-likes, `copy.copy`, `Promise.resolve`.
    Identity,
    /// Calls the function argument with each element and gives the list of results: `map`.
    Map,
    /// Calls with each element and gives those elements: `filter`, `find`.
    Filter,
    /// Calls with each element for its effect: `forEach`.
    ForEach,
    /// Calls with the accumulated value and each element: `reduce`.
    Reduce,
    /// One element of a list: `find`, `next`, `first`, `choice`, `min`.
    Element,
    /// Calls the function argument with the receiver and gives its result: `then`, `and_then`, `map` of `Option`.
    Then,
    /// Calls the function argument without data: `catch`, `setTimeout`, `spawn`.
    Call,
    /// A function with the first arguments given: `functools.partial`, `bind` (its first argument being the object).
    Partial,
    /// Everything at once: `Promise.all`, `asyncio.gather` (list of the arguments or elements).
    All,
    /// Loads a module by its constant name: `require`, `import_module`.
    Require,
    /// Joins path segments: `os.path.join`, `path.join`.
    PathJoin,
    /// A canonical path: `realpath`, `path.resolve`, `canonicalize`.
    Canonical,
    /// What paths have in common: equal to a known folder, they lie in it. `os.path.commonpath`.
    CommonPath,
    /// The way from one path to another: one that does not begin with `..` leads into the first. `path.relative`.
    Relative,
    /// Sets a header of a response: name and value, or a map of them. What the content type is is kept for conditions, as
    /// `receiver.type`. Gives the receiver.
    SetHeader,
    /// Sets the content type of a response, in short or in full. Gives the receiver.
    SetType,
    /// Makes a schema of a map from field to schema, or adds one to a schema: `z.object`.
    Shape,
    /// Gives the argument as a schema lets it through, each field cleaned as `parse` of its own schema says. Where the method
    /// is called `safeParse` or `validate`, the data stands under `data` or `value`.
    ParseShape,
    /// An address of the program itself that a framework makes of a route's name: `reverse`, `url_for`. What is added behind
    /// it does not change the host.
    OwnAddress,
    /// A path without its extension, and the extension, which holds no separator: `splitext`.
    SplitExtension,
    /// The extension of a path, which holds no separator: `suffix`.
    Extension,
    /// Last segment of a path: `basename`. Ends path taint.
    BaseName,
    /// Compiles a regular expression; keeps the pattern.
    Regex,
    /// Reads an attribute by name: `getattr(object, name)`.
    GetAttribute,
    /// Ends the path: `abort`, `sys.exit`, `process.exit`, `panic`.
    Exit,
    /// Decodes what percent signs stand for: what the encoding has made harmless may do harm again. `decodeURIComponent`; of a
    /// member, what is read from it is decoded: `URL.searchParams`.
    Decode,
    /// Keeps the function argument under the name of an event: `on`.
    Listen,
    /// Calls the functions that are kept under the name of an event with the other arguments: `emit`.
    Emit,
    /// Goes on only where its object is true: `assert`.
    Assert,
    /// Goes on only where its object is equal to the argument: `assert.strictEqual`.
    AssertEqual,
    /// A number or text of the running program that is constant for our purposes: gives the remainder, absolute value and so on. Arithmetic
    /// over constants: `abs`, `min`, `max`, `round`, `len`.
    Arithmetic,
    /// Makes a type of tuples whose places have names: `namedtuple(name, fields)`.
    NamedTuple,
    /// Calls the function argument with each part, of a text each sign, and gives those where it is true: `filter` of what may
    /// be a text, an option or a list.
    Keep,
    /// Whether the function argument is true of each part: `all`, `every`.
    Every,
    /// Whether the function argument is true of any part: `any`, `some`.
    AnyOf,
    /// The same with the start before the function: Rust's `fold`.
    Fold,
    /// Opens a file for writing: one that is called a log is told from others.
    OpenFile,
    /// Whether a path is absolute: `is_absolute`.
    IsAbsolute,
    /// Whether it is not: `is_relative`.
    IsRelative,
    /// The argument, or what it returns, where the receiver is true: `then_some`, `then` of a truth.
    ThenSome,
    /// The signs of a text, each for itself: `chars`.
    Signs,
    /// One text or list of the parts that stand for themselves: `collect`.
    Gathered,
    /// The next of something: of the signs of a text the first.
    FirstSign,
    /// To the type that the type argument names: `parse::<u32>`. Without one most likely a number.
    Convert,
    /// Begins the signature of a text with a secret key; the text is the second argument, if it is given: `hmac.new`.
    Sign,
    /// Gives the signature of what was added: who is equal to it was made by who has the key. `digest`, `hexdigest`; where the
    /// subject is the first argument, all at once: `hmac.digest(key, text)`.
    Signature,
    /// Whether both arguments are equal: `hmac.compare_digest`.
    Equal,
    /// One of the elements of the argument, or of the arguments: `max`.
    Pick,
    /// A copy with the values that are given by name: `dataclasses.replace`.
    WithFields,
    /// Whether there is something under two keys, or one: `configparser.has_option(section, option)`.
    Has2,
    /// Makes what makes templates: whether these escape is its argument `autoescape`.
    TemplateSettings,
    /// Makes a template of a text of the code, which escapes what it is filled with: Django's `Template`.
    Template,
    /// The same, which does not unless `autoescape` says so: Jinja2's `Template`.
    RawTemplate,
    /// Fills a template: what stands in a gap that is not escaped (`{{ name|safe }}`) is markup.
    Render,
    /// The same with the text of the template as the first argument: `render_template_string`.
    RenderText,
    /// Encodes or decodes reversibly, keeping what it carries: `base64.b64decode`, `encode`, `decode`, `json.loads`.
    Recode,
}

/// Where the object of an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// It is the receiver of a method call.
    Receiver,
    /// It is the first argument.
    First,
    /// It is the second argument; the first one comes after it.
    Second,
}

impl Operation {
    /// Says whether it needs its object and arguments as they are given.
    pub fn stands_alone(self) -> bool {
        self.is_of_template()
            || matches!(self, Self::Print | Self::Sign | Self::Signature | Self::Equal)
            || matches!(self, Self::Pick | Self::WithFields | Self::Has2)
    }

    /// Says whether it is about a template that stands in the code.
    pub fn is_of_template(self) -> bool {
        let writes = matches!(self, Self::Render | Self::RenderText);
        writes || matches!(self, Self::TemplateSettings | Self::Template | Self::RawTemplate)
    }

    /// Reads an operation as a catalog names it: `push`, `first:keys`, `second:map`.
    ///
    /// # Errors
    /// A sentence where there is no such operation.
    pub fn read(text: &str) -> Result<(Self, Subject), String> {
        let (subject, name) = match text.split_once(':') {
            Some(("first", name)) => (Subject::First, name),
            Some(("second", name)) => (Subject::Second, name),
            _ => (Subject::Receiver, text),
        };
        let read: Result<Self, Error> = Self::deserialize(name.into_deserializer());
        read.map(|operation| (operation, subject)).map_err(|_| format!("no operation is called `{name}`"))
    }
}
