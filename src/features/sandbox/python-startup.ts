import { chmod, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** Path of the folder inside a sandbox that has its own mounts. */
export const pythonFolderInside = "/opt/agent-gateway"

/**
 * Python imports this module when it starts, because its folder is the first one of `PYTHONPATH`. matplotlib's function
 * `show` then saves the open figures as PNG files in the folder in which the program started, and closes them. It never
 * replaces a file. A `sitecustomize` of the machine or of the image runs afterwards.
 */
const sitecustomize = `
import importlib.machinery
import os
import sys


def _write_new_file(folder, data):
    number = 1
    while True:
        try:
            with open(os.path.join(folder, f"_plot_{number}.png"), "xb") as file:
                file.write(data)
            return
        except FileExistsError:
            number += 1


def _replace_show(pyplot):
    folder = os.getcwd()

    def show(*args, **kwargs):
        import io

        for number in pyplot.get_fignums():
            image = io.BytesIO()
            pyplot.figure(number).savefig(image, format="png", dpi=150, bbox_inches="tight")
            _write_new_file(folder, image.getvalue())
        pyplot.close("all")

    pyplot.show = show


class _PyplotFinder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "matplotlib.pyplot":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            _replace_show(module)

        spec.loader.exec_module = exec_module
        return spec


def _run_next_sitecustomize():
    own = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [path for path in sys.path if path != own])
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        spec.loader.exec_module(module_from_spec(spec))


sys.meta_path.insert(0, _PyplotFinder)
_run_next_sitecustomize()
`

/** Writes the folder of the module. The users that run code can read it, and not change it unless they own it. */
export async function writePythonFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, "sitecustomize.py")
  await writeFile(file, sitecustomize)
  await chmod(file, 0o444)
  await chmod(folder, 0o555)
  await chmod(dirname(folder), 0o711)
}
