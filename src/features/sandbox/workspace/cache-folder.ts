/**
 * Folder of the working directory for caches of programs, such as matplotlib's list of fonts. Results do not list its
 * files.
 */
export const cacheFolder = ".cache"
