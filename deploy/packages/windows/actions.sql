-- What wixl cannot express, as one statement a line, for msibuild.
-- 16: a permanent component, which stays at a removal. 128: never overwritten. 256: 64 bits.
UPDATE `Component` SET `Attributes` = 400 WHERE `Component` = 'Corefile'
UPDATE `Component` SET `Attributes` = 272 WHERE `Component` = 'State'
UPDATE `Component` SET `Attributes` = 272 WHERE `Component` = 'Logs'
-- wixl ignores IncludeMaximum (512), with which a release replaces a preview of the same number.
DELETE FROM `Upgrade` WHERE `ActionProperty` = 'OLDER'
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes`, `ActionProperty`) VALUES ('{6C0B2D5E-3C1A-4E0B-9C55-6B3C8A0F4D11}', '0.0.1', '@VERSION@', 768, 'OLDER')
-- The command line may set these.
UPDATE `Property` SET `Value` = 'CLIENTS;FIREWALL;NEWER;OLDER' WHERE `Property` = 'SecureCustomProperties'
-- 3106: a program with its arguments, deferred, as the system; 3170: the same, whose failure is ignored.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Access', 3106, 'DATA', '"[System64Folder]icacls.exe" "[DATA]." /inheritance:r /grant:r "*S-1-5-32-544:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F" "NT SERVICE\privatelink-dns:(OI)(CI)RX"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('StateAccess', 3106, 'DATA', '"[System64Folder]icacls.exe" "[STATE]." /grant:r "NT SERVICE\privatelink-dns:(OI)(CI)M"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('LogAccess', 3106, 'DATA', '"[System64Folder]icacls.exe" "[LOGS]." /grant:r "NT SERVICE\privatelink-dns:(OI)(CI)M"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Restarts', 3170, 'DATA', '"[System64Folder]sc.exe" failure privatelink-dns reset= 86400 actions= restart/2000/restart/10000/restart/60000')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RestartsAfterErrors', 3170, 'DATA', '"[System64Folder]sc.exe" failureflag privatelink-dns 1')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('FirewallUDP', 3106, 'DATA', '"[System64Folder]netsh.exe" advfirewall firewall add rule name="privatelink-dns (UDP 53)" dir=in action=allow program="[INSTALLDIR]privatelink-dns.exe" protocol=UDP localport=53 remoteip=[CLIENTS]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('FirewallTCP', 3106, 'DATA', '"[System64Folder]netsh.exe" advfirewall firewall add rule name="privatelink-dns (TCP 53)" dir=in action=allow program="[INSTALLDIR]privatelink-dns.exe" protocol=TCP localport=53 remoteip=[CLIENTS]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('NoFirewallUDP', 3170, 'TARGETDIR', '"[System64Folder]netsh.exe" advfirewall firewall delete rule name="privatelink-dns (UDP 53)"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('NoFirewallTCP', 3170, 'TARGETDIR', '"[System64Folder]netsh.exe" advfirewall firewall delete rule name="privatelink-dns (TCP 53)"')
-- An installer that starts a service fails and removes everything if the service does not start, because the role
-- DNS Server has port 53 for example. A program whose failure is ignored leaves a service that can be configured.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Start', 3170, 'DATA', '"[System64Folder]sc.exe" start privatelink-dns')
-- InstallServices is 5800 and StartServices 5900; DeleteServices is 2000.
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Access', 'NOT REMOVE', 5801)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('StateAccess', 'NOT REMOVE', 5802)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('LogAccess', 'NOT REMOVE', 5803)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Restarts', 'NOT REMOVE', 5804)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RestartsAfterErrors', 'NOT REMOVE', 5805)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('FirewallUDP', 'FIREWALL AND NOT REMOVE', 5806)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('FirewallTCP', 'FIREWALL AND NOT REMOVE', 5807)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('NoFirewallUDP', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 2001)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('NoFirewallTCP', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 2002)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Start', 'NOT REMOVE', 5901)
