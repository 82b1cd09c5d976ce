"""Token ids and label masks of LLaVA's and CuMo's training templates, from their formulas.

Tokenises with the sample model's tokenizer, which adds one <s> to each text.

    v5/bin/python make_llava_golden.py
"""

import argparse
import json
import pathlib

from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parent.parent / "core/src/main/resources/dev/upcycle/sample/dense/tokenizer.json"
GOLDEN = HERE.parent / "src/main/resources/dev/upcycle/fixtures/golden/chat/llava.json"
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
PAD = 258
TOKENIZER = Tokenizer.from_file(str(SAMPLE))


def encode(text):
    """ids with -200 at each image; later pieces lose their <s>"""
    ids = []
    for index, piece in enumerate(text.split("<image>")):
        piece_ids = TOKENIZER.encode(piece).ids
        ids += piece_ids if index == 0 else [-200] + piece_ids[1:]
    return ids


def written(template, turns):
    if template == "plain":
        return "<image>" + turns[1] + "\n"
    pairs = list(zip(turns[::2], turns[1::2]))
    if template == "v1":
        return SYSTEM + " " + "".join(f"USER: {q} ASSISTANT: {a}</s>" for q, a in pairs)
    first = f"<<SYS>>\n{SYSTEM}\n<</SYS>>\n\n"
    return "<s>" + "".join(
        f"[INST] {first if i == 0 else ''}{q} [/INST] {a} </s>" for i, (q, a) in enumerate(pairs)
    )


def labelled(template, text):
    ids = encode(text)
    if template == "plain":
        return ids, [-100, -100] + ids[2:]
    divider = " ASSISTANT: " if template == "v1" else "[/INST] "
    labels = [-100]
    for piece in text.split("</s>"):
        halves = piece.split(divider)
        if len(halves) != 2:
            break
        whole = len(encode(piece))
        hidden = len(encode(halves[0] + divider)) - 2
        here = ids[len(labels) : len(labels) + whole]
        labels += [-100] * min(hidden, len(here)) + here[hidden:]
    if len(labels) != sum(i != PAD for i in ids):
        return ids, [-100] * len(ids)
    return ids, labels


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    chats = {
        "caption": (True, ["Describe.\n<image>", "A red square, \u00e9."]),
        "question": (True, ["What is <image> this?", "A dog."]),
        "two-rounds": (True, ["<image>\nColour?", "Blue", "Shape?", "A circle \U0001f600"]),
        "text-only": (False, ["Name a river.", "The Rhine"]),
        "three-rounds": (False, ["a", "b", "c", "d", "e", "f"]),
        "empty-answer": (False, ["a", ""]),
        "divider-in-the-answer": (False, ["a", "x ASSISTANT: [/INST] y"]),
        "end-in-the-answer": (False, ["a", "x</s>y"]),
        "padding-in-the-text": (False, ["a", "<pad>"]),
    }
    cases = []
    for template in ("plain", "mistral_instruct_system", "v1"):
        for name, (image, turns) in chats.items():
            if template == "plain" and (len(turns) != 2 or not image):
                continue
            moved = [
                ("<image>\n" + t.replace("<image>", "").strip()).strip() if image and "<image>" in t else t
                for t in turns
            ]
            text = written(template, moved)
            ids, labels = labelled(template, text)
            cases.append(
                {"template": template, "name": name, "image": image, "turns": turns}
                | {"text": text, "ids": ids, "labels": labels}
            )
    document = json.dumps({"padding": PAD, "cases": cases})
    GOLDEN.write_text(document + "\n", encoding="utf-8")
    print(len(cases), "cases;", sum(set(c["labels"]) == {-100} for c in cases), "wholly masked")


if __name__ == "__main__":
    main()
