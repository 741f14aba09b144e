#!/usr/bin/env python3
"""Trains the chapter's GPT on one text file and writes a folder that `decant --model` opens.

    tools/train/train.py TEXT OUT_DIR --tokenizer DIR [--n-embd 256 ...]

OUT_DIR gets model.pt (the chapter's format: a plain state_dict, of the step with the best held-out
loss), config.json (the GPTConfig), the tokenizer's files, loss.csv and loss.svg. The last tenth of
the text is held out and never trained on.
"""

import argparse
import csv
import dataclasses
import json
import math
import pathlib
import shutil
import time

import numpy as np
import torch

from bpe import Tokenizer
from model import GPT, GPTConfig


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True,
                        help="folder with vocab.json and merges.txt (bpe.py makes one)")
    for field in dataclasses.fields(GPTConfig):
        flag = "--" + field.name.replace("_", "-")
        if field.type is bool:
            parser.add_argument(flag, action="store_true")
        elif field.name != "vocab_size":  # the tokenizer says
            parser.add_argument(flag, type=field.type, default=field.default)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--grad-clip", type=float, default=1.0)
    parser.add_argument("--eval-every", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="autocast the matrix products to bfloat16")
    return parser.parse_args()


def learning_rate(step: int, args: argparse.Namespace) -> float:
    """Linear warm-up, then half a cosine down to a tenth of the peak."""
    if step < args.warmup:
        return args.lr * (step + 1) / args.warmup
    progress = (step - args.warmup) / max(1, args.steps - args.warmup)
    return args.lr * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def make_optimizer(model: GPT, args: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW that decays matrices and embeddings, and neither biases nor layer norms."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": args.weight_decay},
              {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.99))


@torch.no_grad()
def evaluate(model: GPT, tokens: torch.Tensor, batch_size: int) -> float:
    """Mean loss in nats a token over consecutive, non-overlapping windows of the whole split."""
    model.eval()
    T = model.cfg.block_size
    count = (len(tokens) - 1) // T
    x = tokens[: count * T].view(count, T)
    y = tokens[1 : count * T + 1].view(count, T)
    total = 0.0
    for i in range(0, count, batch_size):
        _, loss = model(x[i : i + batch_size], y[i : i + batch_size])
        total += loss.item() * len(x[i : i + batch_size])
    model.train()
    return total / count


def plot(rows: list[dict], bytes_per_token: float, path: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    steps = [row["step"] for row in rows]
    axes.plot(steps, [row["train_loss"] / bytes_per_token for row in rows], label="training")
    axes.plot(steps, [row["held_out_loss"] / bytes_per_token for row in rows], label="held out")
    axes.set(xlabel="step", ylabel="loss (nats per byte)", title="The loss curve")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    args = parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    tokenizer = Tokenizer(args.tokenizer)
    text = args.text.read_text()
    cut = len(text) * 9 // 10
    train, held_out = (torch.tensor(tokenizer.encode(part)) for part in (text[:cut], text[cut:]))
    bytes_per_token = len(text[cut:].encode()) / len(held_out)
    print(f"{len(train):,} tokens to train on, {len(held_out):,} held out "
          f"({bytes_per_token:.3f} bytes a token)")

    names = {field.name for field in dataclasses.fields(GPTConfig)} - {"vocab_size"}
    cfg = GPTConfig(vocab_size=len(tokenizer.vocab), **{name: getattr(args, name) for name in names})
    model = GPT(cfg)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters: {cfg}")
    optimizer = make_optimizer(model, args)

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "config.json").write_text(json.dumps(dataclasses.asdict(cfg), indent=2) + "\n")
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(args.tokenizer / name, args.out / name)

    T = cfg.block_size
    rows: list[dict] = []
    best, recent, start = math.inf, [], time.time()
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, args)
        offsets = rng.integers(0, len(train) - T, size=args.batch_size)
        x = torch.stack([train[i : i + T] for i in offsets])
        y = torch.stack([train[i + 1 : i + T + 1] for i in offsets])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.grad_clip)
        optimizer.step()
        recent.append(loss.item())

        if (step + 1) % args.eval_every == 0 or step + 1 == args.steps:
            held = evaluate(model, held_out, args.batch_size)
            rows.append({"step": step + 1, "seconds": round(time.time() - start),
                         "train_loss": sum(recent) / len(recent), "held_out_loss": held})
            recent = []
            row = rows[-1]
            print(f"step {row['step']:5d}  {row['seconds']:5d} s  train {row['train_loss']:.4f}  "
                  f"held out {held:.4f} ({held / bytes_per_token:.4f} nats a byte)", flush=True)
            if held < best:
                best = held
                torch.save(model.state_dict(), args.out / "model.pt")
            with open(args.out / "loss.csv", "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys())
                writer.writeheader()
                writer.writerows(rows)
            plot(rows, bytes_per_token, args.out / "loss.svg")
    print(f"best held-out loss {best:.4f} nats a token, {best / bytes_per_token:.4f} nats a byte, "
          f"perplexity a token {math.exp(best):.2f}")


if __name__ == "__main__":
    main()
