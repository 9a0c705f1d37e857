# What an application is told that calls the service API.
service-token-needed = This needs a service token
service-token-needed-next = Send it as `Authorization: Bearer cks1_…`. An operator makes one with `cloakroom service-token add NAME`; one that was removed opens nothing any more.
service-token-scope = This service token does not open that
service-token-scope-next = It has another scope. Use one of the scope that this route asks for: `cloakroom service-token list` shows them.
service-token-taken = there is a service token { $name } already: choose another name, or remove it first
service-token-full = there are as many service tokens as there can be: remove one first
service-token-shown = service token { $name } ({ $scope }); it is shown this once:
service-token-missing = no service token { $name }: see `cloakroom service-token list`
service-token-remove-question = Remove the service token { $name }? Whoever uses it is refused then.
service-token-removed = removed { $name }
service-token-removed-leased = removed { $name }; instances that know it refuse it within { $lease }
