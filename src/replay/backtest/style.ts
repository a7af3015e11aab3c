/** How the page looks, besides what all pages have. What colours say, a pattern or a word says too. */
export const CSS = `
:root { --person: #2f5fb3; --plain: #a4abb8; --pale: #d5d9e0; }
@media (prefers-color-scheme: dark) {
  :root { --person: #8ab4ff; --plain: #6d7787; --pale: #3d4552; }
}
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { max-width: 46rem; }
.kicker, .fine { color: var(--soft); font-size: .8rem; }
.kicker { text-transform: uppercase; letter-spacing: .08em; margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .9rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.figures li { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--plain); border-radius: .5rem; padding: .8rem 1rem; }
.figures .danger { border-left-color: var(--bad); }
.figures .person { border-left-color: var(--person); }
.figures strong { display: block; font-size: 1.7rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: .88rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 1.25rem 0 0; font-size: .88rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.1rem; margin: .75rem 0; }
.note { border-left: .3rem solid var(--person); }
.note ul { margin: .35rem 0; padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .5rem 0 0; }
caption { text-align: left; color: var(--soft); padding: 0 0 .35rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 500; min-width: 7.5rem; }
thead th { border-top: 0; color: var(--soft); font-weight: 400; min-width: 0; vertical-align: bottom; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n { white-space: nowrap; } th.n { overflow-wrap: normal; }
tr > :last-child { padding-right: 0; }
table.counts td.n { width: 6.5rem; }
small { display: block; color: var(--soft); font-weight: 400; }
tbody tr.none { color: var(--soft); }
svg { display: block; }
svg.bar { width: 100%; height: 12px; margin: .35rem 0 .15rem; }
svg.stack { width: 100%; height: 30px; margin: .25rem 0 .75rem; }
svg.stack rect, svg.bar rect { stroke: var(--card); stroke-width: 1; }
svg.days { width: 100%; height: 150px; }
svg.defs { position: absolute; width: 0; height: 0; }
svg.key { display: inline-block; width: 16px; height: 16px; vertical-align: -3px; margin-right: .4rem; }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; margin: .2rem 0 0; max-width: none; }
.danger-fill { fill: url(#danger); } .person-fill { fill: url(#person); } .good-fill { fill: var(--good); }
.bad-fill { fill: var(--bad); } .unknown-fill { fill: url(#unknown); } .waiting-fill { fill: url(#waiting); } .plain-fill { fill: var(--plain); } .pale-fill { fill: var(--pale); }
.up { fill: var(--bad); } .down { fill: var(--person); } .middle { stroke: var(--soft); stroke-width: 1; vector-effect: non-scaling-stroke; }
.pattern-danger { fill: var(--bad); } .pattern-person { fill: var(--person); } .pattern-unknown { fill: var(--soft); } .pattern-waiting { fill: var(--plain); }
.stripe { stroke: var(--card); stroke-width: 2; } .dot { fill: var(--card); }
code { font: .85em/1.5 ui-monospace, monospace; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 3rem; }
  dl { grid-template-columns: 1fr; gap: 0 0; } dd { margin-bottom: .5rem; }
  th { min-width: 6rem; } table.counts td.n { width: auto; } th, td { padding-right: .6rem; }
}
`;
