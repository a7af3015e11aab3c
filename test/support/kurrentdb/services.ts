/** Part of the protocol test server: a test double in memory, not a database. Binds its handlers to the client's stubs. */
import { GossipService, type IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import {
  type IServerFeaturesServer,
  ServerFeaturesService,
} from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { type IStreamsServer, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { Server } from '@grpc/grpc-js';
import { handleAppend } from './appendCall.ts';
import { handleBatchAppend } from './batchAppendCall.ts';
import { answerQuestion, clusterInfo, supportedMethods } from './clusterCalls.ts';
import { deleteResponse, handleRemoval, tombstoneResponse } from './deleteCall.ts';
import type { Node } from './node.ts';
import { handleRead } from './readCall.ts';

/** Adds the services Streams, ServerFeatures and Gossip. */
export function addServices(server: Server, node: Node): void {
  const streams: IStreamsServer = {
    read: (call) => handleRead(node, call),
    append: (call, reply) => handleAppend(node, call, reply),
    batchAppend: (call) => handleBatchAppend(node, call),
    delete: (call, reply) =>
      void handleRemoval(node, 'delete', call.request.getOptions(), call.metadata, (error, position) =>
        reply(error, position === null ? null : deleteResponse(position)),
      ),
    tombstone: (call, reply) =>
      void handleRemoval(node, 'tombstone', call.request.getOptions(), call.metadata, (error, position) =>
        reply(error, position === null ? null : tombstoneResponse(position)),
      ),
  };
  const features: IServerFeaturesServer = {
    getSupportedMethods: (call, reply) =>
      void answerQuestion(node, 'getSupportedMethods', call.metadata, reply, supportedMethods),
  };
  const gossip: IGossipServer = {
    read: (call, reply) =>
      void answerQuestion(node, 'gossip', call.metadata, reply, () =>
        clusterInfo(node.members(), node.now()),
      ),
  };
  server.addService(StreamsService, streams);
  server.addService(ServerFeaturesService, features);
  server.addService(GossipService, gossip);
}
