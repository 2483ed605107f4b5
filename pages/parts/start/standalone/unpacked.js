// What lies in the page as text: base64 of gzip of the length of a JSON, the JSON, and the bytes after it.

globalThis.fewLabelsUnpacked = async (text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = await new Response(stream).arrayBuffer();
  const length = new DataView(whole).getUint32(0, true);
  const json = new TextDecoder().decode(new Uint8Array(whole, 4, length));
  return { given: JSON.parse(json), at: 4 + length, buffer: whole };
};
