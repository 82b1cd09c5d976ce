"""Renders chat templates with transformers' own machinery (jinja2) and stores what comes out.

The templates in golden/chat/templates are written for this project, in the manner of well-known
ones; smollm2.jinja is SmolLM2-Instruct's (Apache-2.0). The probes hold one construct each.

    v5/bin/python make_chat_golden.py
"""

import argparse
import datetime
import json
import logging
import pathlib

from transformers.utils import chat_template_utils

GOLDEN = (
    pathlib.Path(__file__).resolve().parent.parent
    / "src/main/resources/dev/upcycle/fixtures/golden/chat"
)
NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)


class FrozenClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


SYSTEM = {"role": "system", "content": "  Be brief. "}
HELLO = {"role": "user", "content": "Hello"}
ANSWER = {"role": "assistant", "content": "Hi there!"}
MORE = {"role": "user", "content": "And now?\n\nSecond paragraph  "}
NASTY = "{{ 7*7 }} {% if %} {# no #} <b>&\"'\\n</b> 1.0 \u00e9\U0001f600\u4f60\u597d\u2028\t"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather <now>",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "number", "default": 1e-07}},
            "required": ["city"],
            "limits": [1, 1.0, True, None, {}, [], 12345678901234567890],
        },
    },
}
CONVERSATIONS = {
    "one-question": {"messages": [HELLO]},
    "with-system": {"messages": [SYSTEM, HELLO]},
    "answered": {"messages": [HELLO, ANSWER]},
    "two-turns": {"messages": [HELLO, ANSWER, MORE]},
    "two-turns-with-system": {"messages": [SYSTEM, HELLO, ANSWER, MORE]},
    "three-turns-answered": {"messages": [SYSTEM, HELLO, ANSWER, MORE, ANSWER, HELLO, ANSWER]},
    "empty-content": {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]},
    "empty-system": {"messages": [{"role": "system", "content": ""}, HELLO]},
    "nasty": {"messages": [{"role": "system", "content": NASTY}, {"role": "user", "content": NASTY}]},
    "nasty-answer": {"messages": [HELLO, {"role": "assistant", "content": NASTY}, {"role": "user", "content": "\n"}]},
    "special-tokens-in-text": {"messages": [{"role": "user", "content": "<s>[INST] </s><|im_end|>"}]},
    "thinking": {"messages": [HELLO, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes."}, MORE]},
    "two-users": {"messages": [HELLO, MORE]},
    "assistant-first": {"messages": [ANSWER, HELLO]},
    "system-last": {"messages": [HELLO, SYSTEM]},
    "unknown-role": {"messages": [{"role": "poet", "content": "Ode"}]},
    "no-messages": {"messages": []},
    "no-content": {"messages": [{"role": "user"}]},
    "none-content": {"messages": [HELLO, {"role": "assistant", "content": None}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}]},
    "tools": {"messages": [HELLO], "tools": [TOOL]},
    "tool-call": {
        "messages": [
            HELLO,
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"type": "function", "function": {"name": "weather", "arguments": {"city": "K\u00f6ln", "days": 2}}}
                ],
            },
            {"role": "tool", "content": "rain"},
        ],
        "tools": [TOOL],
    },
}

# One construct each; `m` is a list of messages, `t` a tool.
PROBES = [
    "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** 3 ** 2 }}",
    "{{ 6 / 3 }} {{ 1 / 3 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 123456789.125 }} {{ 1e300 * 10 }}",
    "{{ -7.5 // 2 }} {{ -7.5 % 2 }} {{ 7.5 % -2 }} {{ 5.0 // 0.1 }} {{ 1.0 * 3 }} {{ 3 - 3.0 }}",
    "{{ 2 ** 100 }} {{ 99999999999999999999 + 1 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }}",
    "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1 // 0.0 }}",
    "{{ -2|abs }} {{ (-2)|abs }} {{ -m|length }} {{ - 2 ** 2 }} {{ +3 }} {{ --3 }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' == 1 }} {{ 'a' < 'b' }} {{ [1,2] < [1,3] }}",
    "{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ 'a' + 1 }}", "{{ [1] + 'a' }}", "{{ 1 + none }}",
    "{{ not x is defined }} {{ x is not defined }} {{ not true and false }} {{ not (true and false) }}",
    "{{ 1 and 2 }} {{ 0 or 'x' }} {{ '' or none }} {{ none or '' }}|{{ [] and 1 }}",
    "{{ 'a' in 'abc' }} {{ 'd' not in 'abc' }} {{ 1 in [1,2] }} {{ 'role' in m[0] }} {{ 1 in {1: 2} }} {{ true in [1] }}",
    "{{ 1 in 'abc' }}", "{{ 1 in 5 }}", "{{ 'a' in x }} {{ x in ['a'] }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1, 'b'] ~ x }}", "{{ 1 ~ 2 + 3 }}", "{{ 'a' ~ 'b' * 2 }}",
    "{{ 'yes' if true }} {{ 'no' if false }}|{{ 'a' if false else 'b' if false else 'c' }}",
    "{{ ('no' if false) is defined }} {{ (1 if false) ~ 'x' }}",
    "{{ [1, 'a', 1.5, none, true, {'k': [1]}, (1,), (1, 2), ()] }}",
    "{{ {'a': 1, 'b': {'c': \"it's\"}} }} {{ ['it\\'s', 'say \"x\"', 'both \\' \"'] }} {{ ['\\n\\t\\\\\\x00\\u00e9\\u200b'] }}",
    "{{ 'a' 'b' \"c\" }} {{ 'tab\\tnew\\nline \\x41 \\u0042 \\101 \\q' }}",
    "{{ 'abc'[0] }} {{ 'abc'[-1] }} {{ 'abc'[5] }}|{{ 'abc'[1:] }} {{ 'abc'[:-1] }} {{ 'abc'[::-1] }} {{ 'abcdef'[1:5:2] }} {{ 'abcdef'[4:1:-2] }} {{ 'abc'[10:] }}|{{ 'abc'[-10:2] }}",
    "{{ [1,2,3][::-1] }} {{ [1,2,3][1:] }} {{ (1,2,3)[:2] }} {{ [1,2,3][-2:] }} {{ range(10)[2:8:3]|list }}",
    "{{ 'a\U0001f600b'[1] }} {{ 'a\U0001f600b'[::-1] }} {{ 'a\U0001f600b'|length }} {{ 'a\U0001f600b'.find('b') }}",
    "{{ 'abc'[::0] }}", "{{ 'abc'['x'] }}|{{ 'abc'.x }}|{{ 5[0] }}|{{ none.x }}|{{ m.x }}|{{ m[9] }}",
    "{{ x.y }}", "{{ x['y'] }}", "{{ x.y.z is defined }}", "{{ x() }}", "{{ x + 1 }}", "{{ -x }}", "{{ m[0].nothing.more }}",
    "{{ x }}|{{ x|length }}|{{ x|default('d') }}|{{ ''|default('d') }}|{{ ''|default('d', true) }}|{{ none|d('e') }}|{{ x|d }}",
    "{% for i in x %}a{% else %}none{% endfor %}", "{{ x == y }} {{ x == '' }} {{ x is none }} {{ x is iterable }} {{ x is sequence }} {{ x is mapping }} {{ x is string }}",
    "{{ m[0].role }} {{ m[0]['content'] }} {{ m[-1].content }} {{ m|length }}",
    "{{ d.items }}|{{ d['items'] }}|{{ d.keys() | list }}|{{ d['keys'] }}", "{{ d.items() | list }}", "{{ {'a': 1}.items() }} {{ {'a': 1}.keys() }} {{ {'a': 1}.values() }}",
    "{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {{ {}|length }} {{ {'a': 1, 'a': 2} }}",
    "{% for k, v in t.function.parameters.properties.items() %}{{ k }}={{ v.type }};{% endfor %}",
    "{% for k, v in t|items %}{{ k }};{% endfor %}", "{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}", "{% for a, b in [[1, 2, 3]] %}{% endfor %}",
    "{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}", "{% set a, b = 1, 2 %}{{ b }}{{ a }}", "{% set a = 1, 2 %}{{ a }}",
    "{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }} {% endfor %}",
    "{% for i in [1,2,3] %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i // 2) }} {% endfor %}",
    "{% for i in [1,2,3] %}{{ loop.previtem is defined }}{{ loop.nextitem is not defined }}{% endfor %}",
    "{% for i in [1,2] %}{% for j in 'ab' %}{{ loop.index }}{{ j }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for i in range(6) if i % 2 %}{{ i }}/{{ loop.length }} {% else %}x{% endfor %}", "{% for i in range(6) if i > 9 %}{{ i }}{% else %}none{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in 'ab\u00e9' %}{{ i }},{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}",
    "{% for i in range(2, 10, 3) %}{{ i }} {% endfor %}{{ range(5, 0, -2)|list }} {{ range(0)|list }}", "{{ range(1, 2, 0) }}", "{{ range(1000000) }}",
    "{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = x + 1 %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=0, y='a') %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.z }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}", "{% set d.x = 1 %}", "{% set q = {} %}{% set q.x = 1 %}",
    "{% set ns = namespace(x=m|length - 1) %}{{ ns.x }}", "{% set ns = namespace(_x=1) %}", "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% if false %}{% set z = 1 %}{% endif %}{{ z is defined }}{% if true %}{% set z = 2 %}{% endif %}{{ z }}",
    "{% set a %} text {{ 1 + 1 }} {% endset %}[{{ a }}]", "{% set a | trim | upper %} text {% endset %}[{{ a }}]", "{% set ns = namespace() %}{% set ns.a %}b{% endset %}{{ ns.a }}",
    "{% if 0 %}a{% elif '' %}b{% elif [0] %}c{% else %}d{% endif %}", "{% if x %}a{% elif x is undefined %}b{% endif %}",
    "{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=5) }} {{ f(b=1, a=3) }} {{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(z=2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, k=3) }}", "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}{{ later }}{% endmacro %}{% set later = 1 %}{{ f() }}", "{% macro f() %} a {% endmacro %}{{ f() | trim }}{{ f()|length }}",
    "{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}{% call(x) f(3) %}{{ x + 1 }}{% endcall %}{% call f(1) %}q{% endcall %}",
    "{% macro f(a) %}<{{ caller() }}>{% endmacro %}{% call f(3) %}in{% endcall %}", "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}", "{% macro f() %}n{% endmacro %}{% call f() %}in{% endcall %}",
    "{% filter upper | trim %} abc {{ 'd' }} {% endfilter %}", "{% filter indent(2) %}a\nb{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% with %}x{% endwith %}",
    "{% raw %}{{ x }} {% if %}{% endraw %}|", "a {%- raw -%}  {{ x }}  {%- endraw -%} b", "a\n  {% raw %}\n b {% endraw %}\n c", "{% raw %}x",
    "a {#- c -#} b {# d #}\ne\n   {# f #}\n g {#+ h +#}\ni", "{# x",
    "a\n    {% if true %}\n  b\n    {% endif %}\nc\n", "a\n    {%+ if true +%}\n  b\n    {%- endif -%}  \n c\n\n", "  {% if true %}x{% endif %}  \n  {{ 1 }}  \n  {{- 2 -}}  \n y",
    "x {% if true %} \n{% endif %}", "{% if true %}\n\n a{% endif %}", "a\r\n  {% if true %}\r\nb\r{% endif %}\r\n", "{{ 1 }}\n{% if true %}\n{% endif %}\n\n", "{{ 1 -}}\n  {% if true %}b{% endif %}",
    "{{ 1 -}}\n {% if true %}b{% endif %}\n\t{% if true %}c{% endif %}", " {% set a = 1 %} {% set b = 2 %} x", "\u00a0{%- if true %}a{% endif %}\u2003{%- if true %}b{% endif %}", "\n\n", "", "text only\n\n",
    "{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {}}}}", "{{ '}}' }}{{ \"%}\" }}{% if '%}' %}y{% endif %}", "{{ (1, 2)[0] }}{{ ()|length }}{{ (1) }}{{ (1,) }}",
    "{{ 1, 2 }}", "{{ [1, 2,] }}{{ {'a': 1,} }}", "{{ dict(a=1, b='x') }}{{ dict({'a': 1}, c=2) }}{{ dict([('k', 'v')]) }}",
    "{{ ' a '|trim }}|{{ 'xax'|trim('x') }}|{{ 'aBc'|upper }}{{ 'aBc'|lower }}{{ 'aBC dE'|capitalize }}{{ 'foo-bar (baz) it\\'s'|title }}",
    "{{ '\u00df\u01c6\u0130I'|capitalize }}{{ '\u00df\u0149'|upper }}{{ '\u0391\u03a3 \u03a3'|lower }}{{ '\u00c9A'|lower }}",
    "{{ 'aaa'|replace('a', 'b', 2) }}{{ 'abc'|replace('', '-') }}{{ 123|replace(2, 'x') }}{{ 'abc'.replace('b', '') }}{{ 'aaa'.replace('a', 'b', 1) }}",
    "{{ [3, 1, 2]|sort }}{{ ['b', 'A', 'c']|sort }}{{ ['b', 'A']|sort(case_sensitive=true) }}{{ [3, 1]|sort(reverse=true) }}{{ [{'a': 2}, {'a': 1}]|sort(attribute='a') }}",
    "{{ [1, 'a']|sort }}", "{{ [1, 2, 3]|sum }}{{ [{'a': 2}, {'a': 1}]|sum(attribute='a') }}{{ [1.5]|sum(start=1) }}{{ [3, 1, 2]|min }}{{ ['a', 'B']|max }}{{ []|max }}|",
    "{{ [1, 2]|first }}{{ [1, 2]|last }}{{ 'abc'|first }}{{ 'abc'|last }}{{ []|first }}|{{ []|last }}", "{{ 'abc'|reverse }}{{ [1, 2]|reverse|list }}", "{{ ['a', 'A', 'b']|unique|list }}",
    "{{ [1, 'a', none]|join }}{{ [1, 2]|join(', ') }}{{ m|join('/', attribute='role') }}{{ 'abc'|join('-') }}",
    "{{ m|map(attribute='role')|list }}{{ m|map(attribute='zzz', default='q')|join }}{{ ['a', 'b']|map('upper')|join }}{{ ['a ', 'b']|map('replace', 'a', 'x')|list }}",
    "{{ [0, 1, '', 'a']|select|list }}{{ [0, 1, 2]|select('odd')|list }}{{ [0, 1, 2]|reject('gt', 1)|list }}{{ m|selectattr('role', 'equalto', 'user')|list|length }}{{ m|rejectattr('role', 'in', ['user'])|map(attribute='content')|list }}",
    "{{ m|selectattr('zzz')|list }}{{ m|selectattr('role', 'defined')|list|length }}", "{% set g = [1, 2]|map('string') %}{{ g|list }}{{ g|list }}", "{{ [1,2]|map('upper')|last }}",
    "{{ '42'|int + 1 }}{{ 'x'|int }}{{ 'x'|int(7) }}{{ '4.9'|int }}{{ 4.9|int }}{{ none|int }}{{ true|int }}{{ ' 12 '|int }}{{ '-3'|int }}", "{{ '1.5'|float }}{{ 'x'|float }}{{ 3|float }}{{ '1e3'|float }}",
    "{{ 2.5|round }}{{ 3.5|round }}{{ 2.675|round(2) }}{{ 2|round }}{{ 2.1|round(0, 'ceil') }}{{ 2.9|round(method='floor') }}{{ -0.4|round }}", "{{ 5|string + 'a' }}{{ none|string }}{{ [1]|string|length }}",
    "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb\n\nc'|indent(2, true, true) }}|{{ 'a\nb'|indent('> ', first=true) }}|{{ ''|indent }}|{{ 'a\n'|indent }}|", "{{ [1,2]|list }}{{ 'ab'|list }}{{ {'a':1}|list }}",
    "{{ {'b': 1, 'A': 2}|dictsort }}{{ {'b': 1, 'A': 2}|dictsort(true) }}{{ {'b': 1, 'A': 2}|dictsort(by='value', reverse=true) }}", "{{ '<b>'|safe }}{{ '<'|safe ~ '<' }}{{ ('x'|safe) is string }}", "{{ 5|length }}", "{{ none|length }}", "{{ 'abc'|count }}",
    "{{ t|tojson }}", "{{ t|tojson(indent=2) }}", "{{ t|tojson(indent=4, sort_keys=true, ensure_ascii=true) }}", "{{ t|tojson(separators=(',', ':')) }}", "{{ d|tojson }}{{ '\u00e9\U0001f600<>&\\'\"\\\\\\n\\x00\\x7f'|tojson }}{{ '\u00e9\U0001f600\\x7f'|tojson(ensure_ascii=true) }}", "{{ x|tojson }}", "{{ none|map('upper')|list }}{{ none|select|list }}{{ 0|selectattr('a')|list }}", "{{ (1, 2.0, 1e16, 1e-7, true, none)|tojson }}", "{{ []|tojson(indent=2) }}{{ [[], {}]|tojson(indent=1) }}", "{{ range(3)|tojson }}",
    "{{ 'a,b,c'.split(',') }}{{ 'a b  c '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ ' a b c'.split(none, 1) }}{{ ''.split(',') }}{{ ''.split() }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'aXXb'.split('X') }}{{ 'a'.split(sep='a', maxsplit=1) }}", "{{ 'a'.split('') }}",
    "{{ '  a '.strip() }}|{{ '  a '.lstrip() }}|{{ '  a '.rstrip() }}|{{ 'xyaxy'.strip('xy') }}|{{ '\\n\\n a'.lstrip('\\n') }}|{{ '\\u00a0a\\u3000'.strip() }}|{{ 'a'.strip(none) }}", "{{ 'abc'.startswith('a') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.startswith('') }}",
    "{{ 'abc'.upper() }}{{ 'ABC'.lower() }}{{ 'abc DEF'.capitalize() }}{{ 'a\\nb\\r\\nc\\x0bd'.splitlines() }}{{ 'a\\nb\\n'.splitlines(true) }}{{ '-'.join(['a', 'b']) }}{{ 'banana'.count('an') }}{{ 'aaa'.count('') }}{{ 'banana'.find('n') }}{{ 'banana'.rfind('n') }}{{ 'b'.find('z') }}",
    "{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.removesuffix('') }}", "{{ '-'.join([1]) }}", "{{ '12'.isdigit() }}{{ 'a1'.isalnum() }}{{ 'ab'.isalpha() }}{{ ' '.isspace() }}{{ ''.isspace() }}{{ 'Ab'.isupper() }}{{ 'AB1'.isupper() }}{{ 'ab'.islower() }}", "{{ 'abc'.startswith(1) }}",
    "{{ 1 is number }}{{ 1.5 is float }}{{ true is integer }}{{ 1 is integer }}{{ true is boolean }}{{ true is number }}{{ 1 is true }}{{ true is true }}{{ false is false }}{{ 'a' is string }}{{ none is none }}{{ {} is mapping }}{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ {} is iterable }}{{ 5 is iterable }}{{ range is callable }}",
    "{{ 3 is odd }}{{ 4 is even }}{{ 4 is divisibleby 2 }}{{ 4 is divisibleby(3) }}{{ 1 is eq 1 }}{{ 1 is ne(2) }}{{ 1 is lt 2 }}{{ 'a' is in 'abc' }}{{ 'a' is not in ['b'] }}{{ 'abc' is lower }}{{ 'ABC' is upper }}{{ '1' is lower }}{{ 1 is ge 1 }}{{ 2 is gt 1 }}{{ 2 is le 1 }}",
    "{{ 'a' if x is defined else 'b' }}{{ x is defined and y is defined or true }}{{ x is not none }}{{ not x is none }}", "{% if x is defined and x is not none %}a{% else %}b{% endif %}",
    "{{ raise_exception('no') }}", "{% if false %}{{ raise_exception('no') }}{% endif %}ok", "{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %a %j %I %p %y %%') }}", "{{ 'x'|nosuchfilter }}", "{{ 1 is nosuchtest }}",
    "{{ m.append(1) }}", "{{ d.update({'a': 1}) }}", "{{ d.pop('keys') }}", "{{ ''.__class__.__mro__ }}", "{{ m.__class__.__base__ }}", "{{ ''['__class__']['__mro__'] }}", "{{ range.__globals__['x'] }}", "{{ raise_exception.__globals__.os }}", "{{ ''|attr('__class__')|attr('__mro__') }}{{ ''.__class__.mro() }}",
    "{{ f(**{'a': 1}) }}", "{% macro f(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1, 2]) }}{{ f(**{'a': 3, 'b': 4}) }}{{ f(*[5], b=6) }}", "{{ m[0]['role'] ~ m[1]['role']|upper ~ '!' }}", "{{ 'a' * 3 }}{{ 3 * 'b' }}{{ [1] * 2 }}{{ 'a' * 0 }}{{ 'a' * -1 }}", "{{ true + 1 }}{{ true }}{{ True }}{{ none }}{{ None }}",
    "{{ m is iterable and m is not string }}{{ m[0].content is string }}{{ (m|length) - 1 }}{{ m|length - 1 }}", "{{ loop }}", "{{ {'a': 1} == {'a': 1.0} }}{{ [1] == (1,) }}{{ (1,) == (1,) }}{{ {'a': 1} == {'a': 2} }}", "{{ 'a'.b is defined }}{{ m[0].zzz is defined }}{{ m[0]['zzz'] is none }}",
    "{% if", "{% endif %}", "{% if true %}", "{{ 1 +", "{{ }}", "{{ 'abc }}", "{% for i m %}{% endfor %}", "{% set = 1 %}", "{{ 1 | }}", "{{ (1 }}", "{% else %}", "{{ a b }}", "{% if true %}a{% endfor %}", "{% break %}", "{{ f(a=1, 2) }}", "{{ ]", "{% frob %}", "{% set true = 1 %}",
    "{% for x in [1] %}{% set y = x %}{% endfor %}{{ y is defined }}", "{% for m in m %}{{ m.role }}{% endfor %}{{ m|length }}", "{{ {'a': 1}.a }}{{ {'a': {'b': 2}}.a.b }}{{ m.0.role }}", "{{ 'x' if m[0].role == 'user' and not m[1].role != 'assistant' else 'y' }}", "{{ ((1)) }}{{ [[]] }}{{ [1][0] }}", "{{ 1.5.x }}{{ 1 .x }}|",
    "{{ m[:1]|length }}{% set m = m[1:] %}{{ m|length }}", "{% for a in m[::-1] %}{{ a.role }} {% endfor %}", "{{ m|reverse|map(attribute='role')|join(',') }}", "{%- for a in m -%} {{ a.role }} {%- endfor -%}", "{{ 'a' is sameas 'a' }}", "{{ 3|abs }}{{ -1.5|abs }}",
]


def render(template, conversation, prompt):
    arguments = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tracked = "generation %}" in template
    try:
        texts, spans = chat_template_utils.render_jinja_template(
            conversations=[conversation["messages"]],
            tools=conversation.get("tools"),
            chat_template=template,
            return_assistant_tokens_mask=tracked,
            add_generation_prompt=prompt,
            **arguments,
        )
    except Exception as e:  # whatever jinja2 or Python says: the template refuses
        return {"error": type(e).__name__}
    result = {"text": texts[0]}
    if tracked:
        result["spans"] = [list(span) for span in spans[0]]
    return result


def probe(source):
    variables = {
        "m": [HELLO, ANSWER],
        "t": TOOL,
        "d": {"items": "an entry", "keys": 5},
    }
    try:
        compiled = chat_template_utils._compile_jinja_template(source)
        return {"source": source, "text": compiled.render(**variables)}
    except Exception as e:
        return {"source": source, "error": type(e).__name__}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    logging.disable(logging.WARNING)
    chat_template_utils.datetime = FrozenClock
    cases = []
    for file in sorted((GOLDEN / "templates").glob("*.jinja")):
        for name, conversation in CONVERSATIONS.items():
            for prompt in (False, True):
                case = {"template": file.name, "conversation": name, "generation_prompt": prompt}
                cases.append(case | render(file.read_text(encoding="utf-8"), conversation, prompt))
    golden = {
        "now": NOW.isoformat(),
        "conversations": CONVERSATIONS,
        "cases": cases,
        "variables": {"m": [HELLO, ANSWER], "t": TOOL, "d": {"items": "an entry", "keys": 5}},
        "probes": [probe(source) for source in PROBES],
    }
    text = json.dumps(golden, indent=1, ensure_ascii=True)
    (GOLDEN / "templates.json").write_text(text + "\n", encoding="utf-8")
    errors = sum("error" in case for case in cases)
    print(f"{len(cases)} cases ({errors} refusals), {len(PROBES)} probes")


if __name__ == "__main__":
    main()
