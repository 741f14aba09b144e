// The same text for a shell, a C++ program and anything that reads JSON.
import type { Settings } from './engine/protocol';
import { off } from './settings';
import { biases, differing } from './share';
import type { SharedText } from './share';

export interface Recipe {
  text: SharedText;
  /** Whether the text is longer than the model's window, which the page lets slide. */
  slides: boolean;
}

const isPlain = /^[\w@%+=:,./-]+$/;
const quote = (word: string) => (isPlain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

// What `decant generate` has on by itself, and so has to be told.
const alwaysSaid: (keyof Settings)[] = ['temperature', 'top_k', 'top_p'];

// The stage that a knob acts in, where they do not have one name.
const stageOf: { [Name in keyof Settings]?: string } = {
  top_k_rule: 'top_k',
  top_p_rule: 'top_p',
  repetition_penalty: 'penalties',
  presence_penalty: 'penalties',
  frequency_penalty: 'penalties',
  penalty_last_n: 'penalties',
  penalize_prompt: 'penalties',
  no_repeat_ngram_size: 'no_repeat_ngram',
};

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
    return settings.stages.includes(stageOf[name] ?? name);
  });
}

/** `decant generate`, with the same text; `cannot` says what it has no option for. */
export function toCommandLine({ text, slides }: Recipe): { line: string; cannot: string[] } {
  const { settings } = text;
  const words = ['build/decant generate'];
  const say = (option: string, value: unknown) => {
    const word = String(value);
    // A value that looks like an option has to be tied to its own.
    words.push(word.startsWith('-') ? quote(`--${option}=${word}`) : `--${option} ${quote(word)}`);
  };
  if (text.model !== null) say('model', text.model);
  say('prompt', text.prompt);
  say('seed', text.seed);
  say('max-new-tokens', text.length);
  if (slides) say('context', 'slide');

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
  return { line: words.join(' '), cannot: [...cannot, ...chosen(text)] };
}

/** What neither the program nor the library's generate() can be told. */
export function chosen({ forced }: SharedText): string[] {
  if (forced.length === 0) return [];
  const places = forced.slice(0, 5).map(({ at }) => at + 1);
  const more = forced.length > 5 ? ` and ${forced.length - 5} more` : '';
  return [`the tokens that were chosen, not drawn (token ${places.join(', ')}${more})`];
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

export function toCpp({ text, slides }: Recipe): string {
  const differ = differing(text.settings);
  const names = (Object.keys(off) as (keyof Settings)[]).filter((name) => name in differ);
  const fields = names.map((name) => `    .${name} = ${cppValue(name, text.settings)},\n`);
  const options = [
    `.max_new_tokens = ${text.length}`,
    ...(slides ? ['.context = decant::ContextPolicy::kSlide'] : []),
    `.seed = ${text.seed}u`,
  ];
  const folder = literal('models/shakespeare');
  const tokenizer =
    text.model === null
      ? `load(${folder});`
      : 'gpt2();  // or load() of the folder that has the model\'s own';
  return `const decant::Checkpoint checkpoint =
    decant::Checkpoint::open(${text.model === null ? folder : literal(text.model)});
const decant::Model model(checkpoint);
const decant::Tokenizer tokenizer = decant::Tokenizer::${tokenizer}
decant::Session session(model);
decant::Pipeline pipeline${fields.length > 0 ? `({\n${fields.join('')}})` : ''};
decant::generate(session, tokenizer, pipeline, tokenizer.encode(${literal(text.prompt)}),
                 {${options.join(', ')}},
                 {.on_text = [](std::string_view text) { std::cout << text; }});
`;
}

/** The settings as decant.h's decant_pipeline_create() reads them. */
export function toJson(settings: Required<Settings>): string {
  // To name a system takes over its values, so that those that are off count, too.
  const members = settings.like === '' ? differing(settings) : settings;
  return `${JSON.stringify(members, null, 2)}\n`;
}
