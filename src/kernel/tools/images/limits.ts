/**
 * Maximum pixels of an image. They are counted before it is decoded, because a few bytes can decode to billions of
 * pixels.
 */
export const mostPixels = 40_000_000
/** Maximum pixels of each side that the strictest provider accepts. */
export const longestSide = 8_000
/** Maximum base64 characters of one image that the strictest provider accepts. */
export const longestData = 5 * 1024 * 1024
