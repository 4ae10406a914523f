import { NodeError } from '../../core/errors.ts';

const PACKAGES = '@grpc/grpc-js@1.14.7 @bufbuild/protobuf@2.17.0';

/** Loads a module that needs the optional peer dependencies, or says in one sentence how to install them. */
export async function withGrpc<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'ERR_MODULE_NOT_FOUND' && /'@(grpc|bufbuild)\//.test(String(cause)))
      throw new NodeError(`this needs the packages of gRPC: npm install ${PACKAGES}`, { cause, reason: 'unsupported' });
    throw cause;
  }
}
