// Writes down GPT-2's ids as the npm package tiktoken gives them: npm ci && npm run corpus -- TEXT,
// where TEXT is the path of Tiny Shakespeare.
//
// corpus.bin: the number of strings, then for each its UTF-8 (number of bytes, bytes) and its ids
// (number of ids, ids). All numbers are LEB128. digests.txt: "NAME COUNT HASH" for texts too long to
// write down, HASH being 32-bit FNV-1a with one step an id.
import { readFileSync, writeFileSync } from "node:fs";
import { get_encoding } from "tiktoken";

const gpt2 = get_encoding("gpt2");

// A small generator of random numbers (mulberry32): the corpus is the same every time.
let state = 14;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const times = (n, make) => Array.from({ length: n }, make);
const text = (least, most, make) => times(least + below(most - least + 1), make).join("");

const isSurrogate = (c) => c >= 0xd800 && c < 0xe000;
function charactersOf(expression) {
  const found = [];
  for (let c = 0; c < 0x110000; ++c) {
    if (!isSurrogate(c) && expression.test(String.fromCodePoint(c))) {
      found.push(String.fromCodePoint(c));
    }
  }
  return found;
}

// prettier-ignore
const SCRIPTS = ("Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah " +
  "Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian " +
  "Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan " +
  "Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic " +
  "Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul " +
  "Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi " +
  "Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi " +
  "Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian " +
  "Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin " +
  "Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani " +
  "Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham " +
  "Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian " +
  "Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau " +
  "Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham " +
  "SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa " +
  "Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta " +
  "Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square").split(" ");
const BY_SCRIPT = SCRIPTS.map((name) => charactersOf(new RegExp(`^\\p{Script=${name}}$`, "u")));
const SPACES = [..." \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007",
  ..."\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"];
// They look or once counted like white space, but are none: \s must not take them.
const NOT_SPACES = [..."\u180e\u200b\u200c\u200d\u2060\ufeff\u001c\u001d\u001e\u001f\u0000\u0008"];
const DIGITS = ["Nd", "Nl", "No"].map((name) => charactersOf(new RegExp(`^\\p{${name}}$`, "u")));
const MARKS = charactersOf(/^\p{M}$/u);
const EMOJI = charactersOf(/^\p{Extended_Pictographic}$/u);
const SKIN = [..."\u{1f3fb}\u{1f3fc}\u{1f3fd}\u{1f3fe}\u{1f3ff}"];
const PUNCTUATION = [..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u2019\u201c\u201d\u2026\u2014\u00b7\u3002"];
const WORDS = ("the of and king KING O thou wherefore art Romeo juliet I'll don't o'clock naive " +
  "antidisestablishmentarianism int main return <|endoftext|> 3.14159 1234567 x_y HTTPServer " +
  "https://example.org/a?b=c&d=%20 \u00e9t\u00e9 na\u00efve stra\u00dfe").split(" ");

const letters = BY_SCRIPT[SCRIPTS.indexOf("Latin")].slice(0, 52);
const fromScript = (script) => {
  const kind = below(10);
  if (kind < 7) return pick(script);
  return kind === 7 ? " " : kind === 8 ? pick(SPACES) : pick([...PUNCTUATION, "1", "a"]);
};
const emoji = () =>
  pick(EMOJI) + pick(["", "\ufe0f", pick(SKIN)]) + pick(["", "", "\u200d" + pick(EMOJI) + "\ufe0f"]);
const recased = (word) => [...word].map((c) => (below(2) ? c.toUpperCase() : c)).join("");
const contraction = () =>
  pick(["", "it", "I", "'", " ", "\u4f60", "9", "!"]) +
  recased(pick(["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'l", "'r", "'v", "' s", "\u2019s"])) +
  pick(["", "", "x", " ", "'", "1", "."]);
const anything = () => {
  let c = below(0x110000);
  while (isSurrogate(c)) c = below(0x110000);
  return String.fromCodePoint(c);
};
const loneSurrogate = () => String.fromCharCode(0xd800 + below(0x800));
const word = () => pick(["", " ", " ", " ", "\n", "  "]) + pick(WORDS) + pick(["", "", ",", ".", "?!"]);
const mixture = () =>
  pick([word, emoji, contraction, anything, () => pick(SPACES), () => pick(pick(DIGITS)),
    () => pick(PUNCTUATION), () => pick(pick(BY_SCRIPT)), () => pick(MARKS)])();

const strings = [
  "",
  ...SPACES, ...NOT_SPACES, ...PUNCTUATION,
  ...BY_SCRIPT.flatMap((script) => times(40, () => text(1, 9, () => fromScript(script)))),
  ...times(1500, () => text(1, 4, emoji)),
  ...times(1500, () => text(1, 5, () => pick([pick(letters), " "]) + pick(MARKS))),
  ...times(3000, () =>
    pick(["", "a", "1", "!"]) + text(1, 6, () => pick(SPACES)) + pick(["", "", "b", "2", "?"])),
  ...times(800, () => text(1, 6, () => pick([pick(SPACES), pick(NOT_SPACES), "a"]))),
  ...times(1500, () => text(1, 3, contraction)),
  ...times(1500, () => text(1, 8, () => pick([pick(pick(DIGITS)), pick(pick(DIGITS)), " ", "a"]))),
  ...times(500, () => text(1, 5, () => pick([loneSurrogate(), "a", " ", "\ud83d", "\ude00"]))),
  ...times(1500, () => text(1, 6, anything)),
  ...times(2500, () => text(1, 7, word)),
  ...times(800, () => text(1, 12, mixture)),
  ...times(400, () => pick([...letters, ...SPACES, ...PUNCTUATION, "7"]).repeat(1 + below(150))),
  ...times(100, () => text(100, 400, () => pick(letters))),
];

const bytes = [];
function put(number) {
  for (; number >= 0x80; number >>>= 7) bytes.push((number & 0x7f) | 0x80);
  bytes.push(number);
}
put(strings.length);
for (const string of strings) {
  const utf8 = Buffer.from(string, "utf8"); // a lone surrogate becomes U+FFFD, as in tiktoken
  put(utf8.length);
  bytes.push(...utf8);
  const ids = gpt2.encode_ordinary(string);
  put(ids.length);
  ids.forEach(put);
}
writeFileSync("corpus.bin", Buffer.from(bytes));

function digest(name, texts) {
  let hash = 0x811c9dc5;
  let count = 0;
  for (const part of texts) {
    for (const id of gpt2.encode_ordinary(part)) {
      hash = Math.imul(hash ^ id, 0x01000193);
      ++count;
    }
  }
  return `${name} ${count} ${(hash >>> 0).toString(16).padStart(8, "0")}\n`;
}
// Every code point where each class would show: after a letter, doubled, after a digit and a space.
function* everyCodePoint() {
  for (let c = 0; c < 0x110000; ++c) {
    if (isSurrogate(c)) continue;
    const s = String.fromCodePoint(c);
    yield `x${s}${s}1${s} ${s}\n`;
  }
}
writeFileSync(
  "digests.txt",
  digest("tinyshakespeare", [readFileSync(process.argv[2], "utf8")]) +
    digest("code_points", everyCodePoint()),
);
console.log(`${strings.length} strings, ${bytes.length} bytes`);
