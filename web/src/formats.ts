// The same text for a shell, a C++ program and anything that reads JSON.
import type { Settings } from './engine/protocol';
import { off, stageOf } from './settings';
import { biases, differing } from './share';
import type { SharedText } from './share';

export interface Recipe {
  text: SharedText;
  /** What was not drawn, from the beginning on: the prompt, or what is shown of a scored text. */
  given: { text: string; tokens: number }; // behind the first, as `length` counts
  /** Whether the text is longer than the model's window, which the page lets slide. */
  slides: boolean;
}

const isPlain = /^[\w@%+=:,./-]+$/;
const quote = (word: string) => (isPlain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

// What `decant generate` has on by itself, and so has to be told.
const alwaysSaid: (keyof Settings)[] = ['temperature', 'top_k', 'top_p'];

// Behind --like stand a system's own values, so all knobs are said, but not the order and the rules, which
// are always its own. What would do nothing, because its stage is left out, is refused.
function spoken(settings: Required<Settings>): (keyof Settings)[] {
  const names = Object.keys(off) as (keyof Settings)[];
  if (settings.like !== '') {
    const own = ['top_k_rule', 'top_p_rule', 'penalize_prompt', 'stages'];
    return names.filter((name) => !own.includes(name));
  }
  const differ = differing(settings);
  return names.filter((name) => {
    if (name === 'stages') return name in differ;
    if (!alwaysSaid.includes(name) && !(name in differ)) return false;
    return settings.stages.includes(stageOf(name));
  });
}

// A scored text to which nothing was added.
const isScore = ({ text, given }: Recipe): boolean =>
  text.scored !== null && text.length === given.tokens;

/** `decant generate` or `decant score`, with the same text; `cannot` says what it has no option for. */
export function toCommandLine(recipe: Recipe): { line: string; cannot: string[] } {
  const { text, given, slides } = recipe;
  const { settings } = text;
  const scores = isScore(recipe);
  const words = [`build/decant ${scores ? 'score --tokens' : 'generate'}`];
  const say = (option: string, value: unknown): void => {
    const word = String(value);
    // A value that looks like an option has to be tied to its own.
    words.push(word.startsWith('-') ? quote(`--${option}=${word}`) : `--${option} ${quote(word)}`);
  };
  if (text.model !== null) say('model', text.model);
  if (text.heads > 0) say('n-head', text.heads);
  say(scores ? 'text' : 'prompt', given.text);
  if (!scores) {
    say('seed', text.seed);
    say('max-new-tokens', text.length - given.tokens);
    if (slides) say('context', 'slide');
  }

  const cannot: string[] = [];
  for (const name of spoken(settings)) {
    const option = name.replaceAll('_', '-');
    if (name === 'top_k_rule' || name === 'penalize_prompt') {
      cannot.push(`${name} ${settings[name]}`);
    } else if (name === 'logit_bias') {
      for (const bias of biases(settings)) say(option, bias.join('='));
    } else if (name === 'stages') {
      say(option, settings.stages.join(','));
    } else {
      say(option, settings[name]);
    }
  }
  return { line: words.join(' '), cannot: [...cannot, ...beyond(recipe)] };
}

/** What neither the program nor the library's functions can be told. */
export function beyond({ text, given, slides }: Recipe): string[] {
  const found: string[] = [];
  const places = [...text.forced, ...text.drawn].map(({ at }) => at + 1).sort((a, b) => a - b);
  if (places.length > 0) {
    const more = places.length > 5 ? ` and ${places.length - 5} more` : '';
    const named = `token ${places.slice(0, 5).join(', ')}${more}`;
    found.push(`the tokens that these settings did not draw (${named})`);
  }
  if (text.scored !== null && slides) found.push('how this page reads a text beyond the window');
  if (given.text.includes('\uFFFD')) found.push('a beginning that ends inside a character');
  return found;
}

/** A string literal of C++; octal escapes, because they end by themselves. */
function literal(string: string): string {
  const bytes = [...new TextEncoder().encode(string)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === '\\') return `\\${character}`;
    if (character === '\n') return '\\n';
    const printable = byte >= 0x20 && byte < 0x7f && character !== '?'; // ?? begins a trigraph
    return printable ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${bytes.join('')}"`;
}

function cppValue(name: keyof Settings, settings: Required<Settings>): string {
  const value = settings[name];
  if (name === 'top_k_rule') return `decant::TopKRule::${value === 'exact' ? 'kExact' : 'kTies'}`;
  if (name === 'top_p_rule') {
    return `decant::TopPRule::${value === 'exclusive' ? 'kExclusive' : 'kInclusive'}`;
  }
  if (name === 'logit_bias') {
    const infinity = '-std::numeric_limits<double>::infinity()';
    const pairs = biases(settings).map(([id, x]) => `{${id}, ${x === '-inf' ? infinity : x}}`);
    return `{${pairs.join(', ')}}`;
  }
  if (name === 'stages') return `{${settings.stages.map(literal).join(', ')}}`;
  return typeof value === 'string' ? literal(value) : String(value);
}

export function toCpp(recipe: Recipe): string {
  const { text, given, slides } = recipe;
  const { model, heads } = text;
  const differ = differing(text.settings);
  const names = (Object.keys(off) as (keyof Settings)[]).filter((name) => name in differ);
  const fields = names.map((name) => `    .${name} = ${cppValue(name, text.settings)},\n`).join('');
  const options = [
    `.max_new_tokens = ${text.length - given.tokens}`,
    ...(slides ? ['.context = decant::ContextPolicy::kSlide'] : []),
    `.seed = ${text.seed}u`,
  ];
  const folder = literal('models/shakespeare');
  const opened = [
    model === null ? folder : literal(model),
    ...(heads > 0 ? [`{.n_head = ${heads}}`] : []),
  ];
  const tokenizer =
    model === null
      ? `load(${folder});`
      : "gpt2();  // or load() of the folder that has the model's own";
  const config = fields === '' ? '{}' : `{\n${fields}}`;
  const encoded = `tokenizer.encode(${literal(given.text)})`;
  return `const decant::Checkpoint checkpoint =
    decant::Checkpoint::open(${opened.join(', ')});
const decant::Model model(checkpoint);
const decant::Tokenizer tokenizer = decant::Tokenizer::${tokenizer}
decant::Session session(model);
const decant::SamplingConfig config = ${config};
${
  isScore(recipe)
    ? `decant::score(session, ${encoded},
              [](std::size_t, const decant::TokenReport& token) { std::cout << token.logprob << '\\n'; },
              {.sampling = config});`
    : `decant::Pipeline pipeline(config);
decant::generate(session, tokenizer, pipeline, ${encoded},
                 {${options.join(', ')}},
                 {.on_text = [](std::string_view text) { std::cout << text; }});`
}
`;
}

/** The settings as decant.h's decant_pipeline_create() reads them. */
export function toJson(settings: Required<Settings>): string {
  // To name a system takes over its values, so that those that are off count, too.
  const members = settings.like === '' ? differing(settings) : settings;
  return `${JSON.stringify(members, null, 2)}\n`;
}
