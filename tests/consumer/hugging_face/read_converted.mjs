// Converts every fixture and reads the outcome with Hugging Face's own JavaScript libraries: the
// reader of safetensors must find GPT-2's tensors and nothing else, with the values that PyTorch had
// (their checksums stand in tests/fixtures/cases.json), and the tokenizer must give the same ids.
//
//     npm ci && node read_converted.mjs PROGRAM    the program decant
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const fixtures = path.join(here, "../../fixtures");
const program = process.argv[2] ?? "decant";

let hub, tokenizers;
try {
  hub = await import("@huggingface/hub");
  tokenizers = await import("@huggingface/tokenizers");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.log(`skipped: its readers are not there; npm ci --prefix ${here}`);
  process.exit(0);
}

// A model hub whose only repository is a folder.
const fetchFrom = (folder) => async (url, options) => {
  const file = path.join(folder, path.basename(new URL(url).pathname));
  if (!fs.existsSync(file)) return new Response(null, { status: 404 });
  const bytes = fs.readFileSync(file);
  const range = /bytes=(\d+)-(\d+)/.exec(new Headers(options?.headers).get("Range"));
  if (!range) return new Response(bytes, { headers: { ETag: '"0"' } });
  const [first, last] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
  const headers = { ETag: '"0"', "Content-Range": `bytes ${first}-${last}/${bytes.length}` };
  return new Response(bytes.subarray(first, last + 1), { status: 206, headers });
};

// {dtype, shape, values} of every tensor, where the stock reader says that they lie.
async function readTensors(folder) {
  const { header, sharded, parameterCount } = await hub.parseSafetensorsMetadata({
    repo: "a/b", fetch: fetchFrom(folder), computeParametersCount: true });
  assert.equal(sharded, false);
  const { __metadata__, ...entries } = header;
  assert.equal(__metadata__.format, "pt");  // transformers refuses a file without
  const bytes = fs.readFileSync(path.join(folder, "model.safetensors"));
  const data = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  const tensors = new Map();
  const counts = {};
  let end = 0;
  for (const [name, { dtype, shape, data_offsets: place }] of Object.entries(entries)) {
    const values = widen(data.subarray(...place), dtype);
    assert.equal(values.length, shape.reduce((a, b) => a * b, 1), name);
    tensors.set(name, { dtype, shape, values });
    end = Math.max(end, place[1]);
    // The reader counts no parameters in scales of what config.json calls quantized.
    if (!name.endsWith("_scale")) counts[dtype] = (counts[dtype] ?? 0) + values.length;
  }
  assert.equal(end, data.length);
  assert.deepEqual(parameterCount, counts);
  return tensors;
}

function widen(bytes, dtype) {
  const size = { F32: 4, F16: 2, BF16: 2, I8: 1 }[dtype];
  return Float32Array.from({ length: bytes.length / size }, (_, i) => {
    if (dtype === "I8") return bytes.readInt8(i);
    if (dtype === "F32") return bytes.readFloatLE(4 * i);
    const half = bytes.readUInt16LE(2 * i);
    if (dtype === "BF16") {
      return new Float32Array(Uint32Array.of(half << 16).buffer)[0];
    }
    const exponent = (half >> 10) & 31, fraction = half & 1023;
    assert.notEqual(exponent, 31);
    const magnitude = exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction;
    return half >> 15 ? -magnitude : magnitude;
  });
}

// As zlib's, which node has only since 20.15.
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});
function crc32(values) {
  let crc = 0xffffffff;
  for (const byte of new Uint8Array(values.buffer)) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const transpose = (values, rows, cols) =>
  values.map((_, i) => values[(i % rows) * cols + Math.floor(i / rows)]);

// GPT-2's tensors in transformers: what each is called, its shape, and the roles in cases.json that
// it is made of, each (out, in); Conv1D keeps (in, out).
function gpt2Tensors({ config, tensors }) {
  const { vocab_size: V, block_size: T, n_layer: L, n_embd: C, n_inner: I } = config;
  const all = [
    ["transformer.wte.weight", [V, C], ["wte.weight"]],
    ["transformer.wpe.weight", [T, C], ["wpe.weight"]],
    ["transformer.ln_f.weight", [C], ["ln_f.weight"]],
    ["transformer.ln_f.bias", [C], ["ln_f.bias"]],
  ];
  for (let i = 0; i < L; i++) {
    const conv1d = (name, inputs, outputs, roles) => all.push(
      [`transformer.h.${i}.${name}.weight`, [inputs, outputs], roles.map((r) => `h.${i}.${r}.weight`)],
      [`transformer.h.${i}.${name}.bias`, [outputs], roles.map((r) => `h.${i}.${r}.bias`)]);
    for (const norm of ["ln_1", "ln_2"]) {
      for (const part of ["weight", "bias"]) {
        all.push([`transformer.h.${i}.${norm}.${part}`, [C], [`h.${i}.${norm}.${part}`]]);
      }
    }
    conv1d("attn.c_attn", C, 3 * C, ["q", "k", "v"]);
    conv1d("attn.c_proj", C, C, ["attn_proj"]);
    conv1d("mlp.c_fc", C, I, ["fc"]);
    conv1d("mlp.c_proj", I, C, ["mlp_proj"]);
  }
  if (!config.tied_head) all.push(["lm_head.weight", [V, C], ["head.weight"]]);
  if (tensors["head.bias"]) all.push(["lm_head.bias", [V], ["head.bias"]]);
  return all;
}

function checkTensors(one, written) {
  const expected = gpt2Tensors(one);
  assert.deepEqual([...written.keys()].sort(), expected.map(([name]) => name).sort());
  for (const [name, shape, roles] of expected) {
    const { shape: has, values } = written.get(name);
    assert.deepEqual(has, shape, name);
    const conv1d = shape.length === 2 && name.includes(".h.");
    const rows = conv1d ? transpose(values, shape[0], shape[1]) : values;  // (out, in)
    roles.forEach((role, i) => {
      const piece = rows.slice((i * rows.length) / roles.length, ((i + 1) * rows.length) / roles.length);
      if (one.tensors[role]) {
        assert.equal(crc32(piece), one.tensors[role].crc32, `${name}: ${role}`);
      } else {
        assert.ok(role.endsWith(".bias") && piece.every((value) => value === 0), `${name}: ${role}`);
      }
    });
  }
}

// Matrices are integers times scales, as docs/checkpoints.md says how to multiply them; all else is
// as it was.
function checkQ8(q8, kept) {
  for (const [name, { shape, values }] of kept) {
    const { dtype, shape: [rows, cols], values: integers } = q8.get(name);
    if (dtype !== "I8") {
      assert.deepEqual(integers, values, name);
      continue;
    }
    const { shape: [down, along], values: scales } = q8.get(`${name}_scale`);
    assert.deepEqual([rows, cols], shape, name);
    const conv1d = name.startsWith("transformer.h.");
    assert.deepEqual([down, along],
      conv1d ? [Math.ceil(rows / 32), cols] : [rows, Math.ceil(cols / 32)], name);
    values.forEach((value, i) => {
      const [row, col] = [Math.floor(i / cols), i % cols];
      const scale = scales[conv1d ? Math.floor(row / 32) * cols + col : row * along + Math.floor(col / 32)];
      assert.ok(Math.abs(integers[i] * scale - value) <= 0.50001 * scale, `${name}: ${i}`);
    });
  }
  assert.equal(q8.get("transformer.h.0.attn.c_attn.weight").dtype, "I8");
}

function checkConfig({ config }, folder) {
  const written = JSON.parse(fs.readFileSync(path.join(folder, "config.json")));
  const activations = { gelu: "gelu", gelu_tanh: "gelu_new", relu: "relu" };
  for (const [key, value] of Object.entries({
    model_type: "gpt2", vocab_size: config.vocab_size, n_positions: config.block_size,
    n_layer: config.n_layer, n_head: config.n_head, n_embd: config.n_embd, n_inner: config.n_inner,
    activation_function: activations[config.activation], tie_word_embeddings: config.tied_head })) {
    assert.equal(written[key], value, key);
  }
}

// Characters of one to four bytes, in no order.
const alphabet = (size) => Array.from({ length: size }, (_, i) =>
  String.fromCodePoint([0x1f600, 0x3b1, 0x20, 0x4e00][i % 4] + (size - i)));

function checkTokenizer(characters, folder) {
  const json = JSON.parse(fs.readFileSync(path.join(folder, "tokenizer.json")));
  const tokenizer = new tokenizers.Tokenizer(json, {});
  const ids = characters.map((_, i) => (i * 29) % characters.length);
  const text = ids.map((id) => characters[id]).join("");
  assert.deepEqual([...tokenizer.encode(text).ids], ids);
  assert.equal(tokenizer.decode(ids), text);
}

// minbpe's models, whose special tokens and splits only a tokenizer.json can say. That Decant encodes
// as minbpe does is text_test's to show.
function checkBytePairs(model, folder) {
  const convert = ["convert", "--quiet", "--model", path.join(fixtures, "hf_f32"), folder];
  execFileSync(program, [...convert, "--tokenizer", model], { stdio: "pipe" });
  const json = JSON.parse(fs.readFileSync(path.join(folder, "tokenizer.json")));
  const tokenizer = new tokenizers.Tokenizer(json, {});
  for (const text of ["It's  the\n\n12345 others, WE'LL\tsee...", "\u4f60\u597d, na\u00efve \u{1f600}!\r\n"]) {
    const asked = ["tokenize", "--json", "--tokenizer", model, "--text", text];
    const ids = JSON.parse(execFileSync(program, asked)).tokens;
    assert.deepEqual([...tokenizer.encode(text).ids], ids, model);
    assert.equal(tokenizer.decode(ids), text, model);
  }
  for (const { id, content } of json.added_tokens) {
    assert.deepEqual([...tokenizer.encode(`${content}`).ids], [id], content);
  }
  return json.added_tokens.length;
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "decant-converted-"));
let failures = 0;
try {
  const cases = JSON.parse(fs.readFileSync(path.join(fixtures, "cases.json")));
  for (const one of cases) {
    const characters = alphabet(one.config.vocab_size);
    const chars = path.join(scratch, "chars.json");
    fs.writeFileSync(chars, JSON.stringify(characters));
    const convert = (folder, ...options) => {
      const args = ["convert", "--quiet", "--model", path.join(fixtures, one.checkpoint)];
      if (one.n_head) args.push("--n-head", one.n_head);
      if (one.names) args.push("--names", path.join(fixtures, one.names));
      execFileSync(program, [...args, "--chars", chars, folder, ...options], { stdio: "pipe" });
      return folder;
    };
    try {
      const folder = convert(path.join(scratch, one.name));
      const kept = await readTensors(folder);
      checkTensors(one, kept);
      checkConfig(one, folder);
      checkTokenizer(characters, folder);
      checkQ8(await readTensors(convert(`${folder}-q8`, "--dtype", "q8")), kept);
      // Half as many bits: the nearest numbers that these types have.
      for (const [dtype, error] of [["F32", 0], ["F16", 2 ** -11], ["BF16", 2 ** -8]]) {
        const other = await readTensors(convert(`${folder}-${dtype}`, "--dtype", dtype.toLowerCase()));
        assert.deepEqual([...other.keys()], [...kept.keys()]);
        for (const [name, tensor] of other) {
          const { shape, values } = kept.get(name);
          assert.equal(tensor.dtype, dtype, name);
          assert.deepEqual(tensor.shape, shape, name);
          // 2^-25 is half of the smallest step of F16.
          const near = (value, i) => Math.abs(value - values[i]) <= error * Math.abs(values[i]) + (error && 2 ** -25);
          assert.ok(tensor.values.every(near), name);
        }
      }
    } catch (error) {
      failures++;
      console.error(`${one.name}: ${error.stderr?.length ? error.stderr : error.message}`);
    }
  }
  for (const [name, specials] of [["gpt2", 2], ["gpt4", 2], ["basic", 0]]) {
    const model = path.join(here, "../../text/oracle", `${name}.model`);
    assert.equal(checkBytePairs(model, path.join(scratch, `bytes-${name}`)), specials, name);
  }
  console.log(`${cases.length - failures} of ${cases.length} converted models read as PyTorch had them`);
} finally {
  fs.rmSync(scratch, { recursive: true });
}
process.exit(failures ? 1 : 0);
