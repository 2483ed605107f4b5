"""How Lab is laid out: three columns on one screen, and what they become where there is less room."""

ROW = '.st-key-lab > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]'
COLUMN = f'{ROW} > [data-testid="stColumn"]'
MAPS = '[class*="st-key-lab-maps"] [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"])'

# The heights are those of a screen less what stands above and below the maps: so the play bar is in sight. They
# are kept while one run makes way for another: then nothing jumps. Beside a long name the epoch has no room and is not
# shown, so that the maps of a row stand level. What the page is for stands beside its title, where there is room, takes
# no line, and scrolls with it. A button just pressed is gone at once. At 150 % zoom the third column goes below the
# others; on a phone the fields stay in pairs, and two maps beside each other.
STYLE = f"""<style>
[class*=st-key-lab-maps-] {{--above: 0rem}}
[class*=st-key-lab-maps-][class*=-named] {{--above: 1.75rem}}
[class*=st-key-lab-maps-1] {{--map-room: max(15rem, 100vh - 23.5rem - var(--above));
  min-height: calc(min(25rem, var(--map-room)) + 7.3rem)}}
[class*=st-key-lab-maps-2] {{--map-room: max(10.5rem, 50vh - 16.25rem - var(--above) / 2);
  min-height: calc(2 * var(--map-room) + 15.6rem)}}
{ROW} {{gap: 1.5rem}}
.block-container {{position: relative}}
[data-testid=stLayoutWrapper]:has(> .st-key-page-lead) {{position: absolute; margin: .95rem 0 0 9rem; width: auto}}
.st-key-lab-form {{gap: .75rem}}
.st-key-lab-form [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {{flex-wrap: nowrap; gap: .6rem}}
.st-key-lab-form [data-testid=stColumn] {{flex: 1 1 0; width: auto; min-width: 0}}
.st-key-lab-form [data-testid=stColumn]:first-child {{flex-grow: 1.2}}
.st-key-lab-models {{position: relative}}
.st-key-lab-more > :has([data-testid=stSelectbox]) {{flex: 1 1 8rem; min-width: 0}}
.st-key-on-features button {{padding-inline: .6rem; white-space: nowrap}}
.st-key-lab-length {{position: relative}}
.st-key-all-models, .st-key-other-length {{position: absolute; top: -.35rem; right: 0; width: auto}}
.st-key-other-length {{top: -.2rem}}
.st-key-all-models button, .st-key-other-length button {{min-height: 1.75rem; padding: 0;
  color: light-dark(#3a56b4, #a5b6f7)}}
.st-key-lab-form:has(.st-key-started) .st-key-start {{display: none}}
.st-key-lab-told {{min-height: 2.6rem}}
.st-key-lab-bar {{min-height: 2.5rem; gap: .25rem .75rem}}
.st-key-lab-bar > [data-testid=stElementContainer]:has(.stBidiComponent) {{flex: 1 1 19rem; min-width: 0}}
.st-key-run-row-watch [data-testid=stMultiSelectTagsContainer] {{flex-wrap: wrap; height: auto; padding-block: .3rem}}
.st-key-run-row-watch :has(> [data-testid=stMultiSelectTagsContainer]) {{height: auto; max-height: none}}
.st-key-lab-play {{min-height: 2.6rem}}
[class*=st-key-lab-head] {{gap: 0 .5rem; white-space: nowrap; max-height: 1.6rem; overflow: hidden}}
[class*=st-key-lab-head] > :first-child {{margin-right: -.4rem}}
.lm-says {{font-size: .9375rem; line-height: 1.3; min-height: 2.6em; margin: 0 0 .2rem}}
.lm-two {{display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; font-size: .8125rem; line-height: 1.25;
  color: color-mix(in srgb, currentColor 75%, transparent)}}
.lm-two b {{display: block; font-size: 1.375rem; font-weight: 650; line-height: 1.15;
  color: light-dark(#14161c, #e6e7ea); font-variant-numeric: tabular-nums}}
@media (max-width: 1180px) {{
  .st-key-page-lead {{display: none}}
  [class*=st-key-lab-head] {{max-height: none}}
  [class*=st-key-lab-head] > :last-child {{flex-basis: 100%}}
}}
@media (min-width: 641px) and (max-width: 1180px) {{
  {ROW} {{flex-wrap: wrap}}
  {COLUMN}:nth-child(1) {{flex: 0 0 14rem; width: auto; min-width: 0}}
  {COLUMN}:nth-child(2) {{flex: 1 1 20rem; width: auto; min-width: 0}}
  {COLUMN}:nth-child(3) {{flex: 1 1 100%; width: auto; min-width: 0}}
}}
@media (max-width: 640px) {{
  {MAPS} {{flex-wrap: nowrap; gap: .6rem}}
  {MAPS} > [data-testid="stColumn"] {{flex: 1 1 0; width: auto; min-width: 0}}
  [class*=st-key-lab-maps-] {{min-height: 0}}
  .lm-says {{font-size: .875rem; min-height: 3.9em}}
}}
</style>"""
