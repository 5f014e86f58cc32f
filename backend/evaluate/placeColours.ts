/** A colour for each place of a grid, neighbours alike and far places apart: hue from left to right, lightness from top to bottom. */

/** The colour of a patch, RGB bytes. */
export function placeColour([rows, columns]: [number, number], patch: number): [number, number, number] {
  const across = columns > 1 ? (patch % columns) / (columns - 1) : 0.5;
  const down = rows > 1 ? Math.floor(patch / columns) / (rows - 1) : 0.5;
  return hslToRgb(20 + 280 * across, 0.8, 0.78 - 0.5 * down);
}

/** Hue in degrees, saturation and lightness in [0, 1] (CSS Color 4, section 7). */
function hslToRgb(hue: number, saturation: number, lightness: number): [number, number, number] {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
