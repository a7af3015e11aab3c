/** How evidence looks, besides what all pages have. */
export const CSS = `
:root { --person: #7a4d00; --plain: #8a93a3; }
@media (prefers-color-scheme: dark) {
  :root { --person: #e2b25c; --plain: #7d8798; }
}
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 1rem; }
h3 { font-size: 1rem; margin: 0; }
.kicker { color: var(--soft); text-transform: uppercase; letter-spacing: .08em; font-size: .8rem; margin: 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem 1.25rem; margin: 1.25rem 0 0;
  padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
dl div:last-child { grid-column: 1 / -1; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.story { list-style: none; margin: 0; padding: 0; }
.story > li { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--plain);
  border-radius: .5rem; padding: .85rem 1.1rem; margin: 0 0 .75rem; break-inside: avoid; }
.story > .good { border-left-color: var(--good); }
.story > .bad { border-left-color: var(--bad); }
.story > .person { border-left-color: var(--person); }
.when { color: var(--soft); font-size: .85rem; margin: 0 0 .15rem; }
.fine { color: var(--soft); font-size: .78rem; margin-top: .6rem; }
.gone { color: var(--soft); font-style: italic; }
blockquote { margin: .5rem 0; padding: .1rem 0 .1rem .9rem; border-left: 2px solid var(--line); white-space: pre-wrap; }
section > details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1.1rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin-top: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 500; }
thead th { border-top: 0; color: var(--soft); font-weight: 400; }
code, pre { font: .85em/1.5 ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; overflow-x: auto; }
details pre { border: 0; padding: .3rem 0; }
`;
