import { fileURLToPath } from "node:url";
import type { WantedPython } from "../driver/find_python.ts";
import { SettingsError } from "../../lib/program/settings.ts";
import type { Vendor } from "./vendor_settings.ts";

const SCRIPTS: Readonly<Record<Vendor, string>> = {
  mt5: "mt5.py",
  fxcm: "forexconnect.py",
};

/** What a vendor's package asks of its Python; the last that `forexconnect` knows is a setting. */
export function wantedPython(
  vendor: Vendor,
  { newestForFxcm }: { newestForFxcm: string },
): WantedPython {
  if (vendor === "mt5") {
    const packages = ["MetaTrader5", "numpy"];
    return { vendor, min: "3.8", bits: 64, modules: packages, packages };
  }
  const packages = ["forexconnect", "numpy"];
  return { vendor, min: "3.7", max: newestForFxcm, modules: packages, packages };
}

/**
 * The path of a vendor's driver. Python reads it, so it must be a file: an executable carries none.
 * @throws SettingsError in an executable that was not told where they are.
 */
export function driverScript(vendor: Vendor, folder: string | undefined): string {
  if (folder !== undefined) return `${folder.replace(/[\\/]+$/, "")}/${SCRIPTS[vendor]}`;
  if (Deno.build.standalone) {
    throw new SettingsError(
      `Cannot start the driver of ${vendor} from an executable: set DRIVER_DIR to a folder with the .py files of bridge/ and its terminals/`,
    );
  }
  return fileURLToPath(new URL(`../${SCRIPTS[vendor]}`, import.meta.url));
}
