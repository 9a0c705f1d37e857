# What an application is told that calls the service API.
service-token-needed = This needs a service token
service-token-needed-next = Send it as `Authorization: Bearer cks1_…`. An operator makes one with `cloakroom service-token add NAME`; one that was removed opens nothing any more.
service-token-scope = This service token does not open that
service-token-scope-next = It has another scope. Use one of the scope that this route asks for: `cloakroom service-token list` shows them.
