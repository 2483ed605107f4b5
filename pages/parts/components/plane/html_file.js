// The frames that were seen as a page of one file, which plays them as the exhibit's does.

import { written } from "./film.js";

const PLACE = "<!-- GIVEN -->"; // where a page has what it plays
const KEPT = ["panels", "points", "labelled", "classes", "colours", "reach", "truth", "claim"]; // of what a plane is given

/** As base64. @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).split(",")[1]);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** What `unpacked` of the page reads: the length of the JSON, the JSON, the bytes; compressed. */
export async function packed(said, bytes) {
  const json = new TextEncoder().encode(JSON.stringify(said));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const stream = new Blob([length, json, bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return base64(await new Response(stream).blob());
}

/** The page at `url` with these frames in it. @param {string} url @param {any[]} seen @returns {Promise<string>} */
export async function pageOf(url, seen) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The page cannot be had (${answer.status}).`);
  const kept = seen.map((data) => Object.fromEntries(KEPT.filter((name) => name in data).map((name) => [name, data[name]])));
  const { frames, bytes } = written(kept);
  const session = { name: "session", title: "Session", says: "", frames, at: 0, length: bytes.length };
  const page = await answer.text();
  const at = page.indexOf(PLACE);
  return page.slice(0, at) + await packed({ sessions: [session] }, bytes) + page.slice(at + PLACE.length);
}
