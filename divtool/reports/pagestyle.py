"""The style sheet of the pages: a statistician's sheet of paper, by day, by night and in print."""

from __future__ import annotations

# Colours by Okabe and Ito (2008), which people of every colour vision tell apart; darker or lighter where the contrast
# with the paper asks for it.
SERIES = 6
STYLE = """\
:root { --sans: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
  --paper: #fffefb; --ink: #1c1d21; --dim: #5d6068; --line: #d9d7cf; --faint: #f2f0e9; --good: #00664a;
  --bad: #a8321a; --s0: #00619c; --s1: #b64a00; --s2: #007a59; --s3: #9d4a7d; --s4: #8a6100; --s5: #2b7aa8;
  --rest: #9a9da5; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e7e6e1; --dim: #a3a6ad; --line: #3a3d44;
  --faint: #202329; --good: #4fc79f; --bad: #ff8a6b; --s0: #62b4ec; --s1: #f08f4d; --s2: #45c49b; --s3: #dd92bf;
  --s4: #e3b341; --s5: #8fd0f2; --rest: #70747d; } }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); -webkit-text-size-adjust: 100%; }
body { margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 2.2rem 1.5rem 3rem; }
h1 { font-size: 1.05rem; font-weight: 500; color: var(--dim); margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; font-weight: 650; margin: 0 0 .7rem; }
h3 { font-size: .93rem; font-weight: 600; margin: 1.3rem 0 .4rem; }
section { border-top: 1px solid var(--line); padding-top: 1.1rem; margin-top: 1.9rem; }
p { margin: .35rem 0; max-width: 78ch; overflow-wrap: anywhere; }
.verdict { font-size: 1.4rem; line-height: 1.3; font-weight: 600; letter-spacing: -.01em; margin: 0 0 .5rem;
  max-width: 56ch; }
.big { font-size: 2.1rem; line-height: 1.2; font-weight: 600; margin: .2rem 0; font-variant-numeric: tabular-nums; }
.big small { font-size: 1.05rem; font-weight: 400; color: var(--dim); }
.dim, figcaption, caption { color: var(--dim); }
.warn { border-left: 3px solid var(--bad); padding-left: .8rem; list-style: none; }
ul { margin: .4rem 0; padding-left: 1.1rem; } li { overflow-wrap: anywhere; max-width: 90ch; }
.wide { overflow-x: auto; margin: .2rem 0 .9rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .4rem; font-size: .88rem; }
th { font-weight: 500; color: var(--dim); text-align: left; vertical-align: bottom;
  border-bottom: 1px solid var(--line); padding: .2rem 1.1rem .25rem 0; }
td { padding: .2rem 1.1rem .2rem 0; vertical-align: baseline; border-bottom: 1px solid var(--faint);
  overflow-wrap: break-word; }
.n { text-align: right; white-space: nowrap; }
.strong { font-weight: 650; } .good { color: var(--good); } .bad { color: var(--bad); } td.dim { color: var(--dim); }
td:first-child, td.name { white-space: nowrap; }
td.bar { width: 150px; padding-top: 0; padding-bottom: 0; vertical-align: middle; } td.bar svg { display: block; }
td.long { min-width: 20rem; } td.path { overflow-wrap: anywhere; min-width: 9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 0 1.6rem; }
figure { margin: .2rem 0 1.2rem; } figcaption { font-size: .85rem; margin-top: .3rem; max-width: 90ch; }
figure .wide { margin: 0; overflow-y: hidden; }
figure svg { display: block; width: 100%; min-width: 760px; height: auto; }
main.broad { max-width: 110rem; }
table.small { font-size: .76rem; } table.small th, table.small td { padding: .15rem .3rem .15rem 0; }
.sticky th:first-child, .sticky td:first-child { position: sticky; left: 0; background: var(--paper); z-index: 1; }
.wide + .note { margin-top: -.5rem; } .note { font-size: .85rem; margin-bottom: .9rem; }
@media (max-width: 640px) { main { padding: 1.2rem .9rem 2rem; } .verdict { font-size: 1.15rem; }
  td.name, td.name:first-child { white-space: normal; min-width: 9.5rem; max-width: 45vw; } }
code { font: .85rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
svg text { font: 12px var(--sans); fill: var(--ink);
  font-variant-numeric: tabular-nums; }
svg .t { fill: var(--dim); font-size: 11px; } svg .b { font-weight: 650; } svg .e { text-anchor: end; }
svg .m { text-anchor: middle; }
svg .g { stroke: var(--line); stroke-width: 1; fill: none; } svg .a { stroke: var(--dim); stroke-width: 1; fill: none; }
svg .l { fill: none; stroke-width: 1.8; stroke-linejoin: round; } svg .w { stroke-width: 1.8; fill: none; }
svg .d { stroke-dasharray: 5 3; } svg .hollow { fill: var(--paper); stroke-width: 1.8; }
svg .band { fill: var(--faint); } svg .fill { fill-opacity: .28; stroke-width: 1; }
svg .c0 { stroke: var(--s0); fill: var(--s0); } svg .c1 { stroke: var(--s1); fill: var(--s1); }
svg .c2 { stroke: var(--s2); fill: var(--s2); } svg .c3 { stroke: var(--s3); fill: var(--s3); }
svg .c4 { stroke: var(--s4); fill: var(--s4); } svg .c5 { stroke: var(--s5); fill: var(--s5); }
svg .c6 { stroke: var(--rest); fill: var(--rest); } svg .bad { stroke: var(--bad); fill: var(--bad); }
svg text.c0, svg text.c1, svg text.c2, svg text.c3, svg text.c4, svg text.c5, svg text.bad { stroke: none; }
svg text.c6 { stroke: none; fill: var(--dim); }
svg .l, svg .w { fill: none; } svg .hollow { fill: var(--paper); }
@media print { :root { --paper: #fff; --ink: #000; --dim: #444; --line: #bbb; --faint: #eee; --good: #00664a;
  --bad: #a8321a; --s0: #00619c; --s1: #b64a00; --s2: #007a59; --s3: #9d4a7d; --s4: #8a6100; --s5: #2b7aa8;
  --rest: #888; } html { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  figure svg { min-width: 0; }
  figure, tr, .lead { break-inside: avoid; } h2, h3, caption { break-after: avoid; } .wide, figure .wide {
  overflow: visible; } table.small { font-size: 6.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } @page { margin: 16mm; } }
"""
