/** Pixels of an image, which are counted before it is decoded: one of few bytes can have billions of them. */
export const mostPixels = 40_000_000
/** Pixels of each side that the strictest provider accepts. */
export const longestSide = 8_000
/** Base64 characters of one image that the strictest provider accepts. */
export const longestData = 5 * 1024 * 1024
