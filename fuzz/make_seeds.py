#!/usr/bin/env python3
"""Writes the seeds in fuzz/corpus: one small good file for each thing that a format can do.

    fuzz/make_seeds.py

Needs PyTorch (Debian: python3-torch), as tools/make_fixtures.py does, whose checkpoints it cuts down to
one layer of a few channels. What the fuzzers find from there on is in files without a suffix.
"""

import base64
import io
import json
import pathlib
import pickle
import re
import struct
import zipfile
from collections import OrderedDict

import torch

FUZZ = pathlib.Path(__file__).resolve().parent
FIXTURES = FUZZ.parent / "tests" / "fixtures"
ORACLE = FUZZ.parent / "tests" / "text" / "oracle"


def write(target: str, name: str, content: bytes) -> None:
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.seed").write_bytes(content)


# ---- Checkpoints: the fixtures, with one layer, 4 channels, 3 tokens and 2 positions ---------------


def shrunk_size(n: int, config: dict) -> int:
    C = config["n_embd"]  # some fixtures have as many positions: those get 4 of both
    return {config["block_size"]: 2, config["vocab_size"]: 3, C: 4}.get(n, n * 4 // C or n)


def shrunk(state: dict, config: dict) -> dict:
    return OrderedDict(
        (name, tensor[tuple(slice(shrunk_size(n, config)) for n in tensor.shape)].clone())
        for name, tensor in state.items() if re.search(r"^\D*[1-9]", name) is None)


class Config:
    """What build-nanogpt's fixture says that its settings are an instance of."""


def torch_file(value, **options) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def pickle_of(file: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(file)).read("archive/data.pkl")


SAFETENSORS_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path: pathlib.Path) -> dict:
    content = path.read_bytes()
    size, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    return {
        name: torch.frombuffer(bytearray(content[8 + size:]), dtype=SAFETENSORS_TYPES[entry["dtype"]],
                               count=max(1, torch.Size(entry["shape"]).numel()),
                               offset=entry["data_offsets"][0]).reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"
    }


def safetensors(tensors: dict, metadata=None) -> bytes:
    """`tensors`: type and shape by name; the weights are zeros."""
    sizes = {"F64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2, "U8": 1, "BOOL": 1}
    header, at = {} if metadata is None else {"__metadata__": metadata}, 0
    for name, (dtype, shape) in tensors.items():
        end = at + sizes[dtype] * torch.Size(shape).numel()
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(at)


def write_checkpoints() -> None:
    for case in json.loads((FIXTURES / "cases.json").read_text()):
        path = FIXTURES / case["checkpoint"]
        config = case["config"]
        if case["name"].startswith(("hf_sharded", "llmc", "openai")):
            continue  # below
        if path.suffix == ".safetensors":
            state = shrunk(read_safetensors(path), config)
            names = {dtype: name for name, dtype in SAFETENSORS_TYPES.items()}
            file = safetensors({name: (names[t.dtype], list(t.shape)) for name, t in state.items()})
            write("safetensors", case["name"], file)
        else:
            saved = torch.load(path)
            key = next((key for key in ("model", "model_state_dict") if key in saved), None)
            if key is None:
                saved = shrunk(saved, config)
            else:
                saved[key] = shrunk(saved[key], config)
                sizes = dict(n_layer=1, n_embd=4, n_head=2, vocab_size=3,
                             block_size=shrunk_size(config["block_size"], config))
                saved.get("model_args", {}).update(sizes)
                if isinstance(saved.get("config"), Config):
                    vars(saved["config"]).update(sizes)
                saved.pop("optimizer", None)
                saved.pop("optimizer_state_dict", None)
            file = torch_file(saved)
            write("torch_zip", case["name"], pickle_of(file))
            if "legacy" in case["name"]:
                file = torch_file(saved, _use_new_zipfile_serialization=False)
                write("torch_legacy", case["name"], file)
        write("checkpoint", case["name"], file)

    write("safetensors", "types", safetensors(
        {"a": ("F64", [2]), "b": ("I64", []), "c": ("F16", [0, 3]), "d": ("U8", [1, 2, 1]),
         "e": ("BOOL", [1])}, {"format": "pt"}))
    write("safetensors", "empty", safetensors({}))

    whole = torch.arange(12.).reshape(3, 4)
    views = {"whole": whole, "rows": whole[1:], "transposed": whole.t(), "column": whole[:, 1],
             "parameter": torch.nn.Parameter(whole), "scalar": torch.tensor(1.), "half": whole.half(),
             "long": torch.tensor([1, 2]), "empty": torch.empty(0, 4)}
    for protocol in (2, 3, 4, 5):
        write("torch_zip", f"views{protocol}",
              pickle_of(torch_file(views, pickle_protocol=protocol)))
    settings = {"model_state_dict": {"w": whole}, "epoch": 3, "config": {"n_head": 2, "bias": False,
                "dropout": .1, "name": "gpt", "none": None}}
    write("torch_zip", "settings", pickle_of(torch_file(settings)))


def write_llm_c() -> None:
    C, V, T = 4, 3, 2
    parameters = V * C + T * C + 12 * C * C + 15 * C
    for version, size in ((1, 4), (3, 4), (5, 2)):
        header = struct.pack("<8i", 20240326, version, T, V, 1, 2, C, V) + bytes(4 * 248)
        write("llm_c", f"version{version}", header + bytes(parameters * size))
        write("checkpoint", f"llm_c{version}", header + bytes(parameters * size))


def tf_blocks(table: bytes) -> dict:
    """The blocks of entries in a TensorFlow index, without their types and checksums."""
    def varints(data: bytes, count: int) -> tuple:
        values, at = [], 0
        for _ in range(count):
            value = shift = 0
            while True:
                byte, at = data[at], at + 1
                value, shift = value | (byte & 127) << shift, shift + 7
                if byte < 128:
                    break
            values.append(value)
        return values, data[at:]

    (_, _, offset, size), _ = varints(table[-48:], 4)
    index, blocks = table[offset:offset + size], {}
    restarts, = struct.unpack("<I", index[-4:])
    index = index[:-4 - 4 * restarts]
    while index:
        (_, key_size, _), index = varints(index, 3)
        (offset, size), index = varints(index[key_size:], 2)
        blocks[f"block{len(blocks)}"] = table[offset:offset + size]
    return blocks


def write_indices() -> None:
    for case in ("hf_sharded_bin", "hf_sharded_safetensors"):
        index, = (FIXTURES / case).glob("*.index.json")
        write("shard_index", case, index.read_bytes())

    table = (FIXTURES / "openai_tf" / "model.ckpt.index").read_bytes()
    write("tf_index", "whole", table)

    for name, block in tf_blocks(table).items():
        write("tf_index", name, block)


def write_names() -> None:
    folder = FIXTURES / "names"
    names = json.loads((folder / "names.json").read_text())
    checkpoint = (FUZZ / "corpus" / "checkpoint" / "names.seed").read_bytes()
    write("names", "separate_heads", json.dumps(names).encode() + b"\0" + checkpoint)
    gpt2 = {"activation": "gelu_tanh", "orientation": "in,out", "n_head": 2,
            "prefixes": ["transformer."], "buffers": ["h.{i}.attn.bias"],
            "tensors": {"wte.weight": "wte.weight", "wpe.weight": "wpe.weight"}}
    for part, name in {"ln_1": "h.{i}.ln_1", "qkv": "h.{i}.attn.c_attn", "ln_2": "h.{i}.ln_2",
                       "attn_proj": "h.{i}.attn.c_proj", "fc": "h.{i}.mlp.c_fc",
                       "mlp_proj": "h.{i}.mlp.c_proj", "ln_f": "ln_f"}.items():
        gpt2["tensors"].update({f"{part}.weight": f"{name}.weight", f"{part}.bias": f"{name}.bias"})
    checkpoint = (FUZZ / "corpus" / "checkpoint" / "hf_f32.seed").read_bytes()
    write("names", "gpt2", json.dumps(gpt2).encode() + b"\0" + checkpoint)


def write_pickles() -> None:
    values = {
        "plain": {"none": None, "yes": True, "no": False, "n": [0, 255, 65535, -1, 2**31, -2**62],
                  "big": 2**100, "x": 1.5, "text": "\u00e9", "bytes": b"\0\1", "t": (1, 2, 3, 4)},
        "ordered": OrderedDict([("a", 1), ("b", OrderedDict())]),
        "long": {"text": "t" * 300, "bytes": b"b" * 300, "array": bytearray(3)},
        "set": {1, 2},
        "global": json.dumps,
        "stoi": {"stoi": {c: i for i, c in enumerate("\n !ab")},
                 "itos": dict(enumerate("\n !ab")), "vocab_size": 5},
    }
    cycle = {"again": []}
    cycle["again"].append(cycle)
    values["cycle"] = cycle
    for name, value in values.items():
        for protocol in (0, 2, 4, 5) if name == "plain" else (2, 5):
            write("pickle", f"{name}{protocol}", pickle.dumps(value, protocol))
    state = {"w": torch.zeros(2, 2), "p": torch.nn.Parameter(torch.zeros(1).half())}
    for protocol in (2, 4):
        write("pickle", f"tensors{protocol}",
              pickle_of(torch_file(state, pickle_protocol=protocol)))


def write_zips() -> None:
    def archive(entries: dict, compression=zipfile.ZIP_STORED, comment=b"", zip64=False) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as zip_file:
            zip_file.comment = comment
            for name, content in entries.items():
                info = zipfile.ZipInfo(name)
                info.compress_type = compression
                with zip_file.open(info, "w", force_zip64=zip64) as entry:
                    entry.write(content)
        return file.getvalue()

    write("zip", "empty", archive({}))
    write("zip", "two", archive({"a": b"1234", "folder/b": b""}))
    write("zip", "comment", archive({"a": b"1234"}, comment=b"PK\5\6 and so on"))
    write("zip", "deflated", archive({"a": b"1" * 99}, compression=zipfile.ZIP_DEFLATED))
    write("zip", "torch", torch_file({"w": torch.zeros(2)}))
    # All of zip64: what Python writes only for a file of more than 4 GB.
    local = b"PK\3\4" + struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 4, 4, 1, 0) + b"a"
    extra = struct.pack("<2H3Q", 1, 24, 4, 4, 0)
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 45, 45, 0, 0, 0, 0, 0, 0xffffffff, 0xffffffff, 1,
                                    len(extra), 0, 0, 0, 0, 0xffffffff) + b"a" + extra
    at = len(local) + 4
    end64 = b"PK\6\6" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at + len(entry), 1)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    write("zip", "zip64", local + b"1234" + entry + end64 + locator + end)


# ---- Tokenizers: every byte, and a few merges ------------------------------------------------------


def byte_alphabet() -> list:
    """GPT-2's stand-ins for the bytes 0 to 255 (Radford et al. 2019, bytes_to_unicode)."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in printing)
    stand_in = {byte: chr(byte) for byte in printing}
    stand_in.update((byte, chr(256 + n)) for n, byte in enumerate(others))
    return [stand_in[byte] for byte in range(256)]


def write_tokenizers() -> None:
    alphabet = byte_alphabet()
    merges = [("t", "h"), ("th", "e"), (alphabet[32], "the"), ("e", "e")]
    vocab = {symbol: n for n, symbol in enumerate(alphabet)}
    for left, right in merges:
        vocab[left + right] = len(vocab)
    special = {"id": len(vocab), "content": "<|endoftext|>", "special": True, "lstrip": False,
               "rstrip": False, "single_word": False, "normalized": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}

    def document(merges: list, **model) -> dict:
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [special],
                "normalizer": None, "pre_tokenizer": byte_level, "post_processor": byte_level,
                "decoder": byte_level,
                "model": {"type": "BPE", "dropout": None, "unk_token": None,
                          "continuing_subword_prefix": "", "end_of_word_suffix": "",
                          "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
                          "merges": merges, **model}}

    def compact(value, ascii=False) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=ascii).encode()

    pairs, lines = [list(m) for m in merges], [" ".join(m) for m in merges]
    write("tokenizer_json", "pairs", compact(document(pairs)))
    write("tokenizer_json", "lines", compact(document(lines), ascii=True))
    write("tokenizer_json", "no_vocab", compact(document(lines, vocab={})))
    write("tokenizer_json", "dropout", compact(document(pairs, vocab={"a": 0}, dropout=.5)))

    text = "\n".join(["#version: 0.2", *lines, ""]).encode()
    vocab["<|endoftext|>"] = len(vocab)
    write("vocab_and_merges", "plain", compact(vocab) + b"\0" + text)
    write("vocab_and_merges", "escaped", compact(vocab, ascii=True) + b"\0" + text[14:])
    write("vocab_and_merges", "small", compact({"a": 0, "b": 1, "ab": 2}) + b"\0a b\r\n")

    for name in ("basic", "gpt2", "gpt4"):
        write("minbpe", name, (ORACLE / f"{name}.model").read_bytes())
    for name in ("meta", "meta_protocol2"):
        write("meta_pickle", name, (ORACLE / f"{name}.pkl").read_bytes())
    write("characters_json", "plain", (ORACLE / "chars.json").read_bytes())

    ranks = [*(bytes([byte]) for byte in range(256)), b"th", b"the", b" the", b"ee"]
    lines = [base64.b64encode(token) + b" %d" % rank for rank, token in enumerate(ranks)]
    write("tiktoken", "plain", b"\n".join(lines) + b"\n")
    write("tiktoken", "backwards", b"\r\n".join(reversed(lines)))
    write("tiktoken", "small", b"IQ== 0\nISE= 7\n")


def write_regexes() -> None:
    patterns = {
        "date": r"^(\d{4})-(0[1-9]|1[0-2])$",
        "string": r'"([^"\\]|\\["\\nt])*"',
        "classes": r"[^a-z\u00E9\x{1F600}]+(?:x|y{2,}|)?é.",
        "explosion": r"(a|b)*a(a|b){16}",
        "counts": r"((a{100}){100}){100}",
    }
    for name, pattern in patterns.items():
        write("regex", name, pattern.encode())


if __name__ == "__main__":
    write_checkpoints()
    write_llm_c()
    write_indices()
    write_names()
    write_pickles()
    write_zips()
    write_tokenizers()
    write_regexes()
