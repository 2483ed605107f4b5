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

const PAUSES = [400, 800, 1600]; // milliseconds before a fetch that failed is tried again

/**
 * What `get` fetches. The server drops a file that a run of the page has not yet served again, and whoever fetches it in
 * between gets none: so a failure is met by waiting, and from the second on by `ask`, which has the page served again.
 * @template T
 * @param {() => Promise<T>} get
 * @param {() => void} ask
 * @param {(milliseconds: number) => Promise<void>} [pause]
 * @returns {Promise<T>}
 */
export async function patiently(get, ask, pause = (ms) => new Promise((done) => { setTimeout(done, ms); })) {
  for (const [i, ms] of PAUSES.entries()) {
    try {
      return await get();
    } catch {
      if (i) ask();
      await pause(ms);
    }
  }
  return get();
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
