/** The look of pages that need no script: a study's table, an evaluation. Light and dark, by the reader's own setting. */
import { createHash } from 'node:crypto';

const light = 'color-scheme: light; --paper: #fbfaf7; --raised: #f3f1eb; --ink: #1d1c1a; --quiet: #63605a; --hairline: #dedad1; --mark: #0072b2; --bad: #a84300;';
const dark = 'color-scheme: dark; --paper: #16171a; --raised: #1f2125; --ink: #eae7e1; --quiet: #a5a19a; --hairline: #35373c; --mark: #6cbcee; --bad: #f0a04b;';

// In the editor by its theme, whose kind it writes on the body, together with colours and a font of its own.
export const paperStyle = `
:root { ${light}
  --serif: 'Iowan Old Style', 'Palatino Linotype', Palatino, 'URW Palladio L', P052, Georgia, 'Noto Serif', serif; --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
:root:has(> body.vscode-light, > body.vscode-high-contrast-light) { ${light} }
:root:has(> body.vscode-dark, > body.vscode-high-contrast:not(.vscode-high-contrast-light)) { ${dark} }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 var(--sans); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 1240px; padding: 28px 40px 96px; background: none; color: inherit; font: inherit; }
h1, h2 { font-family: var(--serif); font-weight: 500; text-wrap: pretty; }
h1 { font-size: clamp(1.75rem, 1.2rem + 2.2vw, 2.7rem); line-height: 1.2; letter-spacing: -0.012em; margin: 0; }
h2 { font-size: 1.5rem; margin: 56px 0 4px; }
p { margin: 0; }
.masthead { font-size: 0.875rem; color: var(--quiet); margin-bottom: 48px; }
.masthead b { color: var(--ink); margin-right: 8px; }
.byline { color: var(--quiet); margin-top: 16px; }
.scroll { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; vertical-align: top; padding: 11px 0 11px 24px; font-weight: 400; border-bottom: 1px solid var(--hairline); white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
th[scope='row'] { font-weight: 600; min-width: 12em; white-space: normal; }
th[scope='row'] small { display: block; font-weight: 400; font-size: 0.8125rem; color: var(--quiet); max-width: 34em; }
thead th { font-size: 0.8125rem; color: var(--quiet); vertical-align: bottom; padding-top: 4px; padding-bottom: 8px; }
td b { font-weight: 400; }
td i { font-style: normal; color: var(--quiet); font-size: 0.8125rem; }
.notes { border-left: 3px solid var(--hairline); padding-left: 16px; margin-top: 56px; max-width: 54em; color: var(--quiet); font-size: 0.9375rem; }
.notes p + p { margin-top: 8px; }
.notes b { color: var(--ink); font-weight: 600; }
@media print { body { max-width: none; padding: 0; } }
@media (max-width: 640px) { body { padding: 20px 18px 64px; } }
`;

/** A policy that allows the page's one style sheet and pictures inside it, and nothing from anywhere. */
export const policyFor = (style: string): string => `default-src 'none'; img-src data:; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;
