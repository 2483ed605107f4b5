// Files that a component fetches once: they do not travel with every rerun of the page.

const FILES = (globalThis.fewLabelsFiles ??= new Map()); // address -> promise; what was fetched last at the end
const FILES_KEPT = 4;

function fetched(url, read) {
  if (!FILES.has(url)) {
    const promise = read(url);
    promise.catch(() => FILES.delete(url)); // asked for again the next time
    FILES.set(url, promise);
    if (FILES.size > FILES_KEPT) FILES.delete(FILES.keys().next().value);
  }
  return FILES.get(url);
}

export function bytesOf(url) {
  return fetched(url, async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.arrayBuffer();
  });
}

/** A sheet of tiles as numbers: {values, width, channels}; colours are kept as three numbers a pixel. */
export function sheetOf(url, grey) {
  return fetched(url, async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const all = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
    const channels = grey ? 1 : 3;
    const values = new Uint8Array((all.length / 4) * channels);
    for (let i = 0; i < all.length / 4; i++) {
      for (let c = 0; c < channels; c++) values[i * channels + c] = all[4 * i + c];
    }
    return { values, width: canvas.width, channels };
  });
}
