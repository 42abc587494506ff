// Flex UI's GraphQL client: behind feature flags that are off here, so these names only have to exist.
export { ApolloProvider as DataClientProvider, gql } from "@apollo/client";
export {
  useLazyQuery as useDataClientLazyQuery,
  useMutation as useDataClientMutation,
  useQuery as useDataClientQuery,
  useSubscription as useDataClientSubscription,
} from "@apollo/client";
export { onError } from "@apollo/client/link/error";

export async function createDataClient() {
  throw new Error("The GraphQL service of the hosted product is not served here");
}
