import { NodeError } from '../../core/errors.ts';

/** The version that is known to work; npm's `latest` tag is older. */
const PACKAGE = 'lightningdevkit@0.1.2-0';

/** Loads a module that needs the optional peer dependency, or says in one sentence how to install it. */
export async function withLightningdevkit<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'ERR_MODULE_NOT_FOUND' && String(cause).includes("'lightningdevkit'")) {
      throw new NodeError(`this needs the package lightningdevkit: npm install ${PACKAGE}`, { cause });
    }
    throw cause;
  }
}
