/** How the page looks: by day and by night, on a phone, on a desk and on paper. */
export const CSS = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5b6474; --paper: #fbfbf9; --card: #ffffff; --line: #dfe2e6;
  --own: #1f7a4d; --peer: #2f5fb3; --floor: #a4abb8; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ec; --soft: #a3abb8; --paper: #14171c; --card: #1c2027; --line: #333a45;
    --own: #5fc690; --peer: #8ab4ff; --floor: #6d7787; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; }
p { margin: .35rem 0; max-width: 48rem; }
.kicker { text-transform: uppercase; letter-spacing: .08em; margin: 0; color: var(--soft); font-size: .8rem; }
.lead { color: var(--soft); font-size: .9rem; }
.bad { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 1.25rem 0 0; font-size: .88rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .5rem 0 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); }
th { font-weight: 500; min-width: 9rem; }
thead th { border-top: 0; color: var(--soft); font-weight: 400; min-width: 0; vertical-align: bottom; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n { white-space: nowrap; }
tr > :last-child { padding-right: 0; }
figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: 1rem 0; overflow-x: auto; }
figcaption { font-size: .9rem; color: var(--soft); margin: 0 0 .5rem; }
svg { display: block; width: 100%; min-width: 34rem; height: auto; font: 13px system-ui, sans-serif; }
.label { text-anchor: end; fill: var(--ink); } .value { fill: var(--ink); } .tick { text-anchor: middle; fill: var(--soft); font-size: 11px; }
.own { fill: var(--own); } .peer { fill: var(--peer); } .floor { fill: var(--floor); }
.own-line { stroke: var(--own); } .peer-line { stroke: var(--peer); } .floor-line { stroke: var(--floor); }
.range { stroke-width: 3; opacity: .5; } .spread { stroke: var(--ink); stroke-width: 1.5; } .grid { stroke: var(--line); stroke-width: 1; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
@media print { body { background: none; } main { max-width: none; padding: 0; } }
`;
