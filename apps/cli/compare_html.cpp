#include "compare_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "svg.h"

namespace decant::cli {
namespace {

// The colours are those of the pictures, see svg.cpp. On narrow screens the figures are moved
// sideways under the names of the strategies, which stay.
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1d242d;--muted:#5c6672;--page:#fff;--panel:#f6f7f9;
--rule:#dfe3e8;--bar:#cfe4f2;--tail:#c75300;--blue:0,114,178}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebef;--muted:#a5afba;--page:#15191e;
--panel:#1c2127;--rule:#2c333b;--bar:#24485f;--tail:#f0883e;--blue:86,180,233}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Inter,Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1760px;margin:0 auto;padding:24px clamp(14px,3vw,40px) 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 12px}h2{font-size:19px;margin:40px 0 8px}
h3{font-size:15px;margin:0;overflow-wrap:anywhere}
p{margin:8px 0}.muted,figcaption,dt{color:var(--muted);font-size:14px}
.note{max-width:84ch}.warn{border-left:4px solid var(--tail);padding-left:12px}
.prompt,.text{white-space:pre-wrap;overflow-wrap:anywhere;font:15px/1.55 Georgia,
"Iowan Old Style","DejaVu Serif",serif}
.prompt{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:10px 14px;
margin:0 0 12px;max-height:12em;overflow:auto}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
overflow-wrap:anywhere;color:var(--muted)}
dl.facts{display:flex;flex-wrap:wrap;gap:4px 28px;margin:0}dl.facts div{display:flex;gap:8px}
dd{margin:0;font-size:14px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:right;font-weight:600;vertical-align:bottom;padding:6px 10px;line-height:1.3}
th:first-child{text-align:left}thead th{border-bottom:2px solid var(--rule)}
td{text-align:right;padding:6px 10px;white-space:nowrap}
tbody tr{border-bottom:1px solid var(--rule)}tbody th code{display:block;font-weight:400}
td i{display:block;height:4px;border-radius:2px;background:var(--bar);margin:2px 0 0 auto;
width:var(--share)}
details{border-top:1px solid var(--rule)}summary{cursor:pointer;padding:10px 0;font-weight:600}
.grid{display:grid;gap:16px;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));
padding-bottom:20px}
article{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;
min-width:0}
article p{margin:8px 0 0}
.wide{overflow-x:auto}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;margin:0 0 12px;padding:0;list-style:none;
font-size:14px}
.s1,.s2,.s3{border-radius:3px;background:rgba(var(--blue),var(--deep))}
.s1{--deep:.13}.s2{--deep:.28}.s3{--deep:.45}
.t{text-decoration:underline 2px var(--tail);text-underline-offset:3px}
:focus-visible{outline:3px solid rgb(var(--blue));outline-offset:2px}
@media (max-width:1250px){th code{display:none!important}th,td{padding:6px 8px}
th:first-child{position:sticky;left:0;background:var(--page);min-width:8.5em;max-width:9em;
overflow-wrap:anywhere}}
@media print{.wide{overflow:visible}article{break-inside:avoid}}
)";

// One column of the table of figures: how it is called, and how a strategy's figure reads.
struct Column {
  std::string_view name;
  std::optional<double> (*value)(const Figures& figures);
  std::string (*show)(double value);
};

std::string whole(double value) { return count(std::llround(value)); }
std::string tenths(double value) { return fixed(value, 1); }
std::string hundredths(double value) { return fixed(value, 2); }
std::string thousandths(double value) { return fixed(value, 3); }
std::string share(double value) { return fmt::format("{:.1f}%", 100 * value); }

constexpr Column kColumns[] = {
    {"log-probability", [](const Figures& f) { return f.mean_logprob; }, thousandths},
    {"perplexity", [](const Figures& f) { return f.perplexity; }, hundredths},
    {"distinct-1", [](const Figures& f) { return f.distinct[0]; }, thousandths},
    {"distinct-2", [](const Figures& f) { return f.distinct[1]; }, thousandths},
    {"distinct-3", [](const Figures& f) { return f.distinct[2]; }, thousandths},
    {"rep-4", [](const Figures& f) { return f.repetition[3]; }, thousandths},
    {"mean length", [](const Figures& f) { return std::optional(f.length); }, tenths},
    {"tail", [](const Figures& f) { return f.tail_share; }, share},
    {"self-BLEU", [](const Figures& f) { return f.self_bleu; }, thousandths},
    {"tokens/s", [](const Figures& f) { return std::optional(f.tokens_per_second); }, whole}};

// The bar below a figure: its part of the column's largest, in size.
std::string cell(const Column& column, const Comparison& comparison, const Figures& figures) {
  const std::optional<double> value = column.value(figures);
  if (!value) return "<td>–</td>";
  double largest = 0;
  for (const ComparedStrategy& strategy : comparison.strategies) {
    largest = std::max(largest, std::abs(column.value(strategy.figures).value_or(0)));
  }
  const double part = largest > 0 && std::isfinite(largest) ? std::abs(*value) / largest : 0;
  return fmt::format("<td>{}<i style=\"--share:{:.0f}%\"></i></td>", column.show(*value),
                     100 * part);
}

std::string words_of(const ComparedStrategy& strategy) {
  return strategy.name == strategy.words ? "" : "<code>" + xml_text(strategy.words) + "</code>";
}

std::string figures_table(const Comparison& comparison) {
  std::string table =
      "<div class=\"wide\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">strategy</th><th "
      "scope=\"col\">texts</th>";
  for (const Column& column : kColumns) {
    table += fmt::format("<th scope=\"col\">{}</th>", column.name);
  }
  table += "</tr></thead>\n<tbody>\n";
  for (const ComparedStrategy& strategy : comparison.strategies) {
    table += fmt::format("<tr><th scope=\"row\">{}{} {}</th><td>{}</td>", xml_text(strategy.name),
                         strategy.interrupted ? " (interrupted)" : "", words_of(strategy),
                         strategy.texts.size());
    for (const Column& column : kColumns) table += cell(column, comparison, strategy.figures);
    table += "</tr>\n";
  }
  return table + "</tbody></table></div>\n";
}

// The bytes at the end that begin a character of UTF-8 and do not finish it.
bool ends_within_character(std::string_view bytes) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xC0U) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1;
    return length > back;
  }
  return false;
}

// How surprised the model was, in four depths of colour.
std::string_view surprise(double probability) {
  return probability >= .5 ? "" : probability >= .1 ? "s1" : probability >= .01 ? "s2" : "s3";
}

// A few tokens in a row that are whole characters together: one, nearly always.
std::string marked(std::string_view bytes, std::span<const TokenReport> reports) {
  double logprob = 0;
  for (const TokenReport& report : reports) logprob += report.logprob;
  const std::string_view depth = surprise(std::exp(logprob));
  const bool tail = std::ranges::any_of(reports, in_tail);
  const std::string rank = reports.size() == 1 ? fmt::format("rank {}", count(reports[0].rank + 1))
                                               : fmt::format("{} tokens", reports.size());
  const std::string classes =
      fmt::format("{}{}{}", depth, tail && !depth.empty() ? " " : "", tail ? "t" : "");
  return fmt::format("<span{} title=\"{}, {}\">{}</span>",
                     classes.empty() ? "" : fmt::format(" class=\"{}\"", classes),
                     xml_text(percent(std::exp(logprob))), rank, xml_text(bytes));
}

std::string marked_text(const ComparedText& text, const Tokenizer& tokenizer) {
  std::string html;
  std::string bytes;
  std::size_t first = 0;
  for (std::size_t i = 0; i < text.reports.size(); ++i) {
    bytes += tokenizer.token_bytes(text.reports[i].token);
    if (ends_within_character(bytes) && i + 1 < text.reports.size()) continue;
    html += marked(bytes, std::span(text.reports).subspan(first, i + 1 - first));
    bytes.clear();
    first = i + 1;
  }
  return html;
}

std::string article(const ComparedStrategy& strategy, const ComparedText& text,
                    const Tokenizer& tokenizer) {
  std::string ending = fmt::format("{} tokens", count(std::ssize(text.made.tokens)));
  if (text.made.finish_reason != FinishReason::kLength) {
    ending += fmt::format(", {}", finish_reason_name(text.made.finish_reason));
  }
  return fmt::format(
      "<article><h3>{}</h3>{}<p class=\"text\">{}</p><p class=\"muted\">{}</p>"
      "</article>\n",
      xml_text(strategy.name), words_of(strategy), marked_text(text, tokenizer), ending);
}

// All texts that were made with one luck.
std::string luck(const Comparison& comparison, std::uint64_t sequence, const Tokenizer& tokenizer) {
  std::string articles;
  for (const ComparedStrategy& strategy : comparison.strategies) {
    for (const ComparedText& text : strategy.texts) {
      if (text.sequence == sequence) articles += article(strategy, text, tokenizer);
    }
  }
  if (articles.empty()) return {};
  return fmt::format(
      "<details{}><summary>Seed {}, sequence {}</summary><div "
      "class=\"grid\">\n{}</div></details>\n",
      sequence == 0 ? " open" : "", comparison.seed, sequence, articles);
}

std::string facts(const Comparison& comparison) {
  std::string list = "<dl class=\"facts\">";
  const auto fact = [&list](std::string_view name, const std::string& value) {
    list += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, xml_text(value));
  };
  fact("model", fmt::format("{}, {}", comparison.model, comparison.weights));
  fact("seed", std::to_string(comparison.seed));
  fact("samples", count(static_cast<std::int64_t>(comparison.samples)));
  fact("new tokens, at most", count(comparison.max_new_tokens));
  fact("context", comparison.context);
  return list + "</dl>\n";
}

std::string explanation(const Comparison& comparison) {
  std::string text =
      "<p class=\"note muted\">Log-probability and perplexity are those of each new token under "
      "the "
      "model itself, before any stage. Distinct-n is the share of different n-grams in all texts "
      "together, rep-4 that of 4-grams that their own text had before. The tail is what lies "
      "beyond "
      "the most probable tokens that hold 90%. Self-BLEU is 1 where all texts are alike. A bar "
      "shows "
      "a figure's size against the column's largest.</p>\n";
  const bool one = std::ranges::any_of(comparison.strategies,
                                       [](const auto& strategy) { return strategy.deterministic; });
  if (one && comparison.samples > 1) {
    text += fmt::format(
        "<p class=\"note muted\">A strategy that draws nothing has one text; in distinct-n and "
        "self-BLEU it counts as the {} equal ones that it would be.</p>\n",
        comparison.samples);
  }
  return text;
}

constexpr std::string_view kLegend =
    "<ul class=\"legend\"><li>Probability under the model:</li><li>50% or more</li>"
    "<li><span class=\"s1\">10% or more</span></li><li><span class=\"s2\">1% or more</span></li>"
    "<li><span class=\"s3\">less</span></li><li><span class=\"t\">from the tail</span></li></ul>\n";

}  // namespace

std::string compare_html(const Comparison& comparison, const Tokenizer& tokenizer) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<title>decant compare</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<main>\n<h1>Strategies side by side</h1>\n<p class=\"prompt\" tabindex=\"0\">{}</p>\n",
      kStyle, xml_text(comparison.prompt));
  page += facts(comparison);
  if (comparison.interrupted) {
    page += "<p class=\"warn\">Interrupted: this is what was made until then.</p>\n";
  }
  page += "<h2>Figures</h2>\n" + figures_table(comparison) + explanation(comparison);
  page += "<h2>Texts</h2>\n" + std::string(kLegend);
  for (std::uint64_t i = 0; i < comparison.samples; ++i) page += luck(comparison, i, tokenizer);
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace decant::cli
