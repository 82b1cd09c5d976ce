"""Checks the page that `upcycle route --html` writes, in headless Chromium, against what `route --json` says.

    python check_route_page.py --upcycle ../../upcycle [--chromium chromium] [--screenshot page.png]

Routes three texts through quickstart's model of four experts, opens the page and reads what Chromium made of it: a copy of
the page has one script more, which points at every token, moves the slider and writes what it sees into the page. Held
against the JSON: tokens, layers, loads, and each layer's load again as the sum of what pointing at the tokens tells; the
colour of a token is that of its heaviest expert in the table's head; the weights of a token sum to 1; nothing is wider than
the window. Chromium's log of the network must hold no request, its console no message. Four pages that are wrong, each in
one of these, must be told from it. Needs Python 3.11 and nothing else. Writes results/route_page.json; the pictures are for
a person to look at.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from html import escape, unescape
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results/route_page.json"
PROMPT = "Are <b>Rays</b> & \"Light\" {{data}} of a naïve </script> kind?\nA second line."
MAX_TOKENS = 96
WIDE, NARROW = (1280, 1400), (480, 1400)
PER_TOKEN = 2
COLOURS = 16
WEIGHT_DIGITS = 3
OF_CHROMIUM = "not an origin"  # who asks for what Chromium itself wants; a page of a file asks as "null"
CHROMIUM = """--headless=new --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-extensions
    --disable-background-networking --disable-component-update --disable-sync --disable-default-apps
    --enable-logging=stderr --v=0 --virtual-time-budget=20000""".split()

# Reads the page as one who looks and points at it does.
LOOK = """
<script>
window.addEventListener("load", () => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const paint = element => getComputedStyle(element).backgroundColor;
  const detail = document.getElementById("detail"), slider = document.getElementById("layer");
  const hint = detail.textContent;
  const point = element => {
    element.dispatchEvent(new MouseEvent("mouseenter"));
    const seen = {said: detail.textContent, title: element.title, lit: all(".lit").length, paint: paint(element)};
    element.dispatchEvent(new MouseEvent("mouseleave"));
    return {...seen, after: all(".lit").length + (detail.textContent === hint ? 0 : 1)};
  };
  const report = {
    title: document.title,
    summary: document.querySelector(".note").textContent,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    keys: all(".key").map(key => ({text: key.textContent, paint: paint(key)})),
    heat: all(".heat tbody tr").map(row => [...row.children].map(cell => ({text: cell.textContent, title: cell.title, paint: paint(cell)}))),
    sections: all("section").map(section => ({
      label: section.querySelector("h3").textContent,
      text: all(".t", section).map(token => token.textContent),
      rows: all(".row", section).map(row => ({
        layer: row.querySelector("b").textContent, cells: all(".cell", row).map(point)})),
      box: (({top, bottom}) => ({top, bottom}))(section.getBoundingClientRect()),
    })),
    slides: [],
  };
  for (let layer = 0; layer <= Number(slider.max); layer++) {
    slider.value = layer;
    slider.dispatchEvent(new Event("input"));
    report.slides.push({shown: document.getElementById("shown").textContent,
      now: all("section").map(section => all(".row", section).findIndex(row => row.classList.contains("now"))),
      tokens: all("section").map(section => all(".t", section).map(point))});
  }
  report.resources = performance.getEntriesByType("resource").map(entry => entry.name);
  const pre = document.createElement("pre");
  pre.id = "report";
  pre.textContent = JSON.stringify(report);
  document.body.append(pre);
});
</script>
"""


def upcycle(launcher, *arguments):
    return subprocess.run([launcher, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def chromium(program, page, folder, window, *more):
    """Opens a page off the network; its standard output, what its console said, and the addresses that it asked for."""
    log = folder / "net.json"
    size = f"--window-size={window[0]},{window[1]}"
    keep = [f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    run = [program, *CHROMIUM, *keep, size, *more, page.as_uri()]
    done = subprocess.run(run, check=True, capture_output=True, text=True, timeout=120)
    console = [line.partition("CONSOLE")[2].partition(", source:")[0] for line in done.stderr.splitlines() if "CONSOLE" in line]
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = {event["url"] for event in events if event.get("initiator", OF_CHROMIUM) != OF_CHROMIUM}
    return done.stdout, console, sorted(asked)


def look(program, html, folder, window=WIDE):
    """What the script of a page's copy saw."""
    page = folder / "looked-at.html"
    page.write_text(html.replace("</body>", LOOK + "</body>"))
    dom, console, asked = chromium(program, page, folder, window, "--dump-dom")
    found = re.search(r'<pre id="report">(.*?)</pre>', dom, re.DOTALL)
    report = json.loads(unescape(found.group(1))) if found else None
    return report, console, asked


def choices(said):
    """The experts and weights in `layer 3: expert 1 × 0.750, expert 0 × 0.250`."""
    return [(int(expert), float(weight)) for expert, weight in re.findall(r"expert (\d+) × ([\d.]+)", said)]


def hue(paint):
    """A colour without its alpha."""
    return tuple(re.findall(r"[\d.]+", paint)[:3])


class Faults(list):
    def need(self, holds, *what):
        if not holds:
            self.append(" ".join(map(str, what)))


def check_heat(report, layers, faults):
    experts = len(layers[0]["load"])
    faults.need([key["text"] for key in report["keys"]] == [str(e) for e in range(experts)], "keys", report["keys"])
    colours = {hue(key["paint"]) for key in report["keys"]}
    faults.need(len(colours) == min(experts, COLOURS), len(colours), "colours of", experts, "experts")
    faults.need(len(report["heat"]) == len(layers), len(report["heat"]), "rows of the heat map")
    for row, layer in zip(report["heat"], layers):
        load, total, index = layer["load"], sum(layer["load"]), layer["layer"]
        cells = row[1 : 1 + experts]
        faults.need([cell["text"] for cell in cells] == [f"{100 * n / total:.1f}" for n in load], "heat map, layer", index)
        titles = [f"layer {index}, expert {e}: {n} of {total}" for e, n in enumerate(load)]
        faults.need([cell["title"] for cell in cells] == titles, "titles of the heat map, layer", index)
        told = [f"{layer['evenness']:.3f}", f"{max(load) * experts / total:.2f}", f"{layer['mutual_information']:.4f} nat"]
        faults.need([cell["text"] for cell in row[1 + experts :]] == told, "columns behind the heat map, layer", index)
        strength = [float(re.findall(r"[\d.]+", cell["paint"])[3]) for cell in cells]
        order = sorted(range(experts), key=load.__getitem__)
        faults.need(all(strength[a] <= strength[b] for a, b in zip(order, order[1:])), "heat is not by load, layer", index)


def check_pointed(seen, token, layer, layers, keys, faults):
    """What pointing at a token or a cell showed; gives its experts."""
    where = f"layer {layer}, token {token!r}:"
    told = choices(seen["said"])
    faults.need(seen["said"].endswith(f"” {seen['title']}"), where, "said", seen["said"], "with the title", seen["title"])
    faults.need(seen["said"].startswith(f"“{token.replace(chr(10), '')}” layer {layer}: "), where, "said", seen["said"])
    faults.need(len({e for e, _ in told}) == len(told) == PER_TOKEN, where, "experts", told)
    faults.need(abs(sum(w for _, w in told) - 1) <= PER_TOKEN * 10**-WEIGHT_DIGITS, where, "weights", told)
    faults.need(told == sorted(told, key=lambda choice: -choice[1]), where, "not the heaviest first", told)
    faults.need(bool(told) and hue(seen["paint"]) == hue(keys[told[0][0]]["paint"]), where, "painted", seen["paint"], told)
    faults.need(seen["lit"] == layers + 1 and seen["after"] == 0, where, seen["lit"], "lit, after it", seen["after"])
    return [expert for expert, _ in told]


def check_tokens(report, routed, faults):
    """Pointing at every cell tells the loads of the JSON; gives how many were pointed at."""
    layers, pointed = routed["layers"], 0
    counts = [Counter() for _ in layers]
    faults.need([s["label"] for s in report["sections"]] == [t["label"] for t in routed["texts"]], "labels")
    for section, text in zip(report["sections"], routed["texts"]):
        faults.need(len(section["text"]) == text["tokens"], len(section["text"]), "tokens of", text)
        faults.need([row["layer"] for row in section["rows"]] == [str(each["layer"]) for each in layers], "rows of", text)
        for row, layer, count in zip(section["rows"], layers, counts):
            faults.need(len(row["cells"]) == text["tokens"], len(row["cells"]), "cells of", text, "layer", layer["layer"])
            for cell, token in zip(row["cells"], section["text"]):
                count.update(check_pointed(cell, token, layer["layer"], len(layers), report["keys"], faults))
                pointed += 1
    for layer, count in zip(layers, counts):
        told = [count[expert] for expert in range(len(layer["load"]))]
        faults.need(told == layer["load"], "tokens of layer", layer["layer"], "tell", told, "the JSON", layer["load"])
    return pointed


def check_slider(report, layers, faults):
    faults.need(len(report["slides"]) == len(layers), len(report["slides"]), "places of the slider")
    for index, (slide, layer) in enumerate(zip(report["slides"], layers)):
        faults.need(slide["shown"] == str(layer["layer"]), "slider shows", slide["shown"])
        faults.need(set(slide["now"]) == {index}, "rows marked", slide["now"])
        for section, tokens in zip(report["sections"], slide["tokens"]):
            titles = [cell["title"] for cell in section["rows"][index]["cells"]]
            faults.need([t["title"] for t in tokens] == titles, "tokens at layer", layer["layer"], "of", section["label"])
            for seen, token in zip(tokens, section["text"]):
                check_pointed(seen, token, layer["layer"], len(layers), report["keys"], faults)


def check(report, console, asked, routed):
    """What is wrong with a page, and how many cells were pointed at."""
    faults = Faults()
    faults.need(not console, "console:", console)
    faults.need(not asked, "asked for", asked)
    if report is None:
        return Faults([*faults, "the page's copy gave no report"]), 0
    faults.need(not report["resources"], "loaded", report["resources"])
    faults.need(report["overflow"] <= 0, report["overflow"], "pixels wider than the window")
    boxes = [section["box"] for section in report["sections"]]
    faults.need(all(a["bottom"] <= b["top"] for a, b in zip(boxes, boxes[1:])), "texts overlap", boxes)
    tokens = sum(text["tokens"] for text in routed["texts"])
    faults.need(report["summary"].startswith(f"{tokens} tokens · {len(routed['layers'])} layers"), report["summary"])
    faults.need(report["title"] == f"Routing of {routed['model']}", report["title"])
    prompt = "".join(report["sections"][-1]["text"]).replace("⏎\n", "\n").replace("·", "")
    faults.need(re.sub(r"[^ -~\n]", "", PROMPT) in re.sub(r"[^ -~\n]", "", prompt), "the prompt is shown as", prompt)
    check_heat(report, routed["layers"], faults)
    pointed = check_tokens(report, routed, faults)
    check_slider(report, routed["layers"], faults)
    return faults, pointed


def wrong_pages(html):
    """Pages of which each is wrong in one thing, by what tells it."""
    first = re.search(r"\[\[\[\[(\d),[\d.]+\],\[(\d)", html)
    idle = min({0, 1, 2, 3} - {int(expert) for expert in first.groups()})
    unguarded = re.sub(r"<meta http-equiv[^>]*>", "", html)
    return {
        "expert of one token": html[: first.start(1)] + str(idle) + html[first.end(1) :],
        "request to the network": unguarded.replace("<h1>", '<img src="http://route.invalid/a.png" alt=""><h1>'),
        "request that the page's policy refuses": html.replace("<h1>", '<img src="http://route.invalid/a.png" alt=""><h1>'),
        "error in a script": html.replace("if (data.layers.length) show(0);", "show(nothing);"),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upcycle", required=True)
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--screenshot", type=Path, help="where to leave a picture of the page; a narrow one lies beside it")
    options = parser.parse_args()
    version = subprocess.run([options.chromium, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upcycle(options.upcycle, "quickstart", "--out", folder / "try-it")
        page, dense = folder / "routing.html", folder / "try-it/dense"
        arguments = ["--text", f"light={dense / 'held-out.txt'}", "--text", f"about={dense / 'README.md'}"]
        arguments += ["--prompt", PROMPT, "--max-tokens", MAX_TOKENS, "--json", "--html", page]
        routed = json.loads(upcycle(options.upcycle, "route", folder / "try-it/moe", *arguments))
        html = page.read_text()
        faults, pointed = check(*look(options.chromium, html, folder), routed)
        narrow, _ = check(*look(options.chromium, html, folder, NARROW), routed)
        told = {what: check(*look(options.chromium, wrong, folder), routed)[0] for what, wrong in wrong_pages(html).items()}
        if options.screenshot:
            beside = options.screenshot.with_stem(options.screenshot.stem + "-narrow")
            for picture, window in ((options.screenshot, WIDE), (beside, NARROW)):
                chromium(options.chromium, page, folder, window, f"--screenshot={picture.resolve()}")
    for fault in [*faults[:20], *narrow[:20], *(f"not noticed: {what}" for what, found in told.items() if not found)]:
        print(fault, file=sys.stderr)
    passed = not faults and not narrow and all(told.values())
    result = {
        "passed": passed,
        "chromium": re.sub(r" built on.*", "", version),
        "tokens": [text["tokens"] for text in routed["texts"]],
        "loads": [layer["load"] for layer in routed["layers"]],
        "cells_pointed_at": pointed,
        "widths": [WIDE[0], NARROW[0]],
        "faults": len(faults) + len(narrow),
        "faults_of_wrong_pages": {what: len(found) for what, found in told.items()},
        "first_fault_of_wrong_pages": {what: found[0][:100] for what, found in told.items() if found},
    }
    print(json.dumps(result, indent=2))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
