"""Sequences and label masks of training data, by transformers and from LLaVA's formulas.

`messages`: transformers renders templates in which {% generation %} marks the answers and tells
their tokens; beside each stands the same template without the mark, which is all that most models
have. `splice`: LLaVA's templates (make_llava_golden.py) with the image's places put in, then cut.

    v5/bin/python make_data_golden.py
"""

import argparse
import json

from make_llava_golden import GOLDEN, SAMPLE, labelled, written
from transformers import PreTrainedTokenizerFast

TARGET = GOLDEN.with_name("data.json")
FEATURES, PLACEHOLDER = 5, 300
TEMPLATES = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' %}[[{{ m['content'] }}<|im_end|>\n]]"
    "{% else %}{{ m['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "instruct": "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "[[{{ ' ' + m['content'] + eos_token }}]]"
    "{% else %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}{% endfor %}",
}
CHATS = {
    "one-round": [("user", "Name a river."), ("assistant", "The Rhine")],
    "system": [("system", "Be short."), ("user", "a"), ("assistant", "b")],
    "three-rounds": [
        ("user", "a \U0001f600"),
        ("assistant", "\u00e9\u4e16"),
        ("user", "c"),
        ("assistant", "[INST] d"),
        ("user", "e\n"),
        ("assistant", "f"),
    ],
    "unanswered": [("user", "a"), ("assistant", "b"), ("user", "c")],
    "empty-answer": [("user", "a"), ("assistant", ""), ("user", "c"), ("assistant", "d")],
}
SPLICED = {
    "caption": ["Describe.\n<image>", "A red square, \u00e9."],
    "two-rounds": ["<image>\nColour?", "Blue", "Shape?", "A circle \U0001f600"],
}


def messages(tokenizer):
    for template, text in TEMPLATES.items():
        marked = text.replace("[[", "{% generation %}").replace("]]", "{% endgeneration %}")
        plain = text.replace("[[", "").replace("]]", "")
        for name, turns in CHATS.items():
            chat = [{"role": role, "content": content} for role, content in turns]
            made = tokenizer.apply_chat_template(
                chat,
                chat_template=marked,
                return_dict=True,
                return_assistant_tokens_mask=True,
            )
            ids, mask = made["input_ids"], made["assistant_masks"]
            yield {
                "template": template,
                "name": name,
                "marked": marked,
                "plain": plain,
                "turns": turns,
                "ids": ids,
                "labels": [i if m else -100 for i, m in zip(ids, mask)],
            }


def spliced():
    for template in ("plain", "mistral_instruct_system", "v1"):
        for name, turns in SPLICED.items():
            if template == "plain" and len(turns) != 2:
                continue
            moved = [
                ("<image>\n" + t.replace("<image>", "").strip()).strip() if "<image>" in t else t
                for t in turns
            ]
            ids, labels = labelled(template, written(template, moved))
            at = ids.index(-200)
            ids[at : at + 1] = [PLACEHOLDER] * FEATURES
            labels[at : at + 1] = [-100] * FEATURES
            for cut in (len(ids) + 9, len(ids), len(ids) - 3):
                yield {
                    "template": template,
                    "name": name,
                    "turns": turns,
                    "max_tokens": cut,
                    "ids": ids[:cut],
                    "labels": labels[:cut],
                }


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(SAMPLE), bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    document = {
        "features": FEATURES,
        "placeholder": PLACEHOLDER,
        "messages": list(messages(tokenizer)),
        "splice": list(spliced()),
    }
    TARGET.write_text(json.dumps(document) + "\n", encoding="utf-8")
    print(len(document["messages"]), "chats,", len(document["splice"]), "spliced")


if __name__ == "__main__":
    main()
